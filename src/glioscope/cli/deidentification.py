"""`glioscope deidentify`: copies of exams that can leave the hospital."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from glioscope.cli.options import AsJson
from glioscope.core.counting import counted

__all__ = ["register"]

_SECRETS, _CHOICES = "What stays behind", "What may be kept"


class Dates(Enum):
    """Choices of --dates."""

    shift = "shift"
    remove = "remove"


class BurnedIn(Enum):
    """Choices of --burned-in."""

    withhold = "withhold"
    blank = "blank"
    keep = "keep"


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(deidentify)


def deidentify(
    study: Annotated[
        Path, typer.Argument(metavar="STUDY", help="Folder of DICOM or NIfTI files; it is not changed.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="OUT", help="The folder to write to.", show_default=False)],
    key: Annotated[
        Path,
        typer.Option(
            "--key", metavar="FILE", help="The secret; made where there is none.", rich_help_panel=_SECRETS, show_default=False
        ),
    ],
    table: Annotated[
        Path,
        typer.Option(
            "--table",
            metavar="FILE",
            help="The pseudonyms and whose they are; made where there is none. Neither file may lie in OUT.",
            rich_help_panel=_SECRETS,
            show_default=False,
        ),
    ],
    second_level: Annotated[
        bool,
        typer.Option(
            "--second-level",
            help="For who receives: STUDY was de-identified before, key and table are your own, names are words.",
        ),
    ] = False,
    dates: Annotated[
        Dates, typer.Option("--dates", help="shift: by the patient's own number of days; remove.", rich_help_panel=_CHOICES)
    ] = Dates.shift,
    burned_in: Annotated[
        BurnedIn,
        typer.Option(
            "--burned-in", help="Image with text in its pixels: withhold it; blank the text; keep, if you have looked at it."
        ),
    ] = BurnedIn.withhold,
    descriptions: Annotated[
        bool,
        typer.Option(
            "--descriptions/--no-descriptions",
            help="The known words of descriptions (t1, flair, tra …).",
            rich_help_panel=_CHOICES,
        ),
    ] = True,
    patient_characteristics: Annotated[
        bool, typer.Option("--patient-characteristics", help="Sex, age, size and weight.", rich_help_panel=_CHOICES)
    ] = False,
    safe_private: Annotated[
        bool,
        typer.Option(
            "--safe-private", help="Private elements that the standard calls safe (diffusion).", rich_help_panel=_CHOICES
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write copies without anybody's name: DICOM PS3.15 basic profile, pseudonyms, new UIDs, shifted dates.

    What is not known to be harmless goes. Files that cannot be cleaned (PDF, screen captures, text in the pixels) are
    withheld, and counted. The same key gives the same bytes; a run that was stopped goes on. Faces are not removed.

    Example: glioscope deidentify exams/patient-7 --out export --key site.key --table pseudonyms.tsv
    """
    from glioscope.cli.display import LiveProgress, print_json
    from glioscope.deidentification.options import DeidentificationOptions
    from glioscope.workflows.deidentify import deidentify as workflow
    from glioscope.workflows.progress import Progress

    found = workflow(
        study,
        out,
        key=key,
        table=table,
        second=second_level,
        options=DeidentificationOptions(dates.value, descriptions, patient_characteristics, safe_private, burned_in.value),
        progress=Progress() if as_json else LiveProgress(),
    )
    print_json(found.document()) if as_json else _show(found, key, table)


def _show(found: Any, key: Path, table: Path) -> None:  # noqa: ANN401
    """What was done, by attribute; then what to keep."""
    document = found.document()
    for action, attributes in document["attributes"].items():
        typer.echo(
            f"{action.capitalize()}: {counted(sum(attributes.values()), 'element')} of {counted(len(attributes), 'attribute')}"
        )
        typer.echo("".join(f"  {number:7d}  {name}\n" for name, number in attributes.items()), nl=False)
    typer.echo(f"{counted(found.written, 'file')} written to '{found.folder}', {found.unchanged} there already:")
    for exam in found.exams:
        typer.echo(f"  {exam.as_posix()}")
    if found.incomplete:
        lost = ", ".join(f"'{series.as_posix()}'" for series in found.incomplete)
        typer.echo(f"{len(found.incomplete)} series incomplete, as files of them were withheld: {lost}.")
    made = "made now; keep it and its copy as long as you may need it" if found.new_key else "as before"
    typer.echo(f"Key: {key} ({made}). Table: {table}. Give neither away.")
    typer.echo("Faces are not removed. Look at the copies before they leave: no program finds everything.")
