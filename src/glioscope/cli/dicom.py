"""`glioscope dicom`: results back into the patient's DICOM study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glioscope.cli.options import AsJson

__all__ = ["register"]

_SEGMENTS = ("both", "labels", "regions")


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("dicom")(dicom)


def dicom(
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Results folder that `glioscope run` made from DICOM.", show_default=False)
    ],
    source: Annotated[
        Path,
        typer.Option("--source", "-s", metavar="FOLDER", help="The DICOM folder or zip that was run.", show_default=False),
    ],
    dest: Annotated[
        Path | None,
        typer.Option("--dest", "-d", metavar="FOLDER", help="Write there instead of each exam's own folder 'dicom' in OUT."),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            "--reference", metavar="SEQUENCE", help="Series to lie on: t1c, t1n, t2f or t2w; T1 with contrast if there is one."
        ),
    ] = None,
    segments: Annotated[
        str,
        typer.Option(
            "--segments",
            metavar="KIND",
            help="labels (do not overlap, best to look at), regions (overlap, are measured) or both.",
        ),
    ] = "both",
    as_json: AsJson = False,
) -> int:
    """Segmentation (SEG), measurements (SR) and the report (PDF) as DICOM objects of the patient's own study.

    They lie on the source series' own grid, refer to its images, and carry its patient's header, so they belong into its
    archive and nowhere else. Results of NIfTI images stay NIfTI: such images name no patient and no study.

    Example: glioscope dicom results --source exams/patient-7
    """
    import glioscope
    from glioscope.cli.display import NAMES_THE_PATIENT, LiveProgress, print_json
    from glioscope.core import GlioscopeError, parse_sequence
    from glioscope.workflows.progress import Progress

    if segments not in _SEGMENTS:
        raise typer.BadParameter(f"--segments '{segments}' is not one of {', '.join(_SEGMENTS)}")
    sequence = parse_sequence(reference) if reference else None
    if reference and sequence is None:
        raise typer.BadParameter(f"--reference '{reference}' is not one of t1c, t1n, t2f, t2w")
    outcomes = glioscope.export_dicom(
        out,
        source,
        dest=dest,
        reference=sequence,
        segments=segments,  # type: ignore[arg-type]
        progress=Progress() if as_json else LiveProgress(),
    )
    if as_json:
        print_json(outcomes.document())
    else:
        written = [path for exam in outcomes.exams for path in exam.files.values()]
        for path in written:
            typer.echo(str(path))
        if written:
            typer.echo(f"{NAMES_THE_PATIENT} Not a medical device.")
    try:
        outcomes.check()
    except GlioscopeError as error:
        return error.exit_code
    return 0
