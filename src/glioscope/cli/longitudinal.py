"""`glioscope follow`: one patient over time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glioscope.cli.options import AsJson

if TYPE_CHECKING:
    from glioscope.workflows.follow import Followed

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("follow")(follow)


def follow(
    exams: Annotated[
        list[Path],
        typer.Argument(
            metavar="EXAM1 EXAM2 …",
            help="Results folders of run or segment, folders of images with a label map, or label maps; of one patient.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="OUT", help="The folder to write to.", show_default=False)],
    dates: Annotated[
        str | None,
        typer.Option(
            "--dates",
            metavar="A,B,…",
            help="Dates or days, one an exam in the order given; only days are written.",
            show_default=False,
        ),
    ] = None,
    labels: Annotated[
        list[Path] | None,
        typer.Option("--labels", metavar="FILE", help="Label map of an exam; repeat it for each, in the same order."),
    ] = None,
    segmenter: Annotated[str, typer.Option("--segmenter", metavar="NAME", help="Whose label map of a results folder.")] = "",
    region: Annotated[
        str,
        typer.Option(
            "--region", metavar="NAME", help="Whose lesions are followed; auto: the first of ET, TC, WT that is there."
        ),
    ] = "auto",
    scheme: Annotated[
        str, typer.Option("--scheme", metavar="NAME", help="Label scheme of the maps; auto goes by their tables, or values.")
    ] = "auto",
    register: Annotated[
        str, typer.Option("--register", metavar="KIND", help="auto (SyN where there are images), none, rigid or syn.")
    ] = "auto",
    landmarks: Annotated[
        list[Path] | None,
        typer.Option("--landmarks", metavar="CSV", help="Points (X, Y, Z in mm, LPS) set on an exam; repeat it for each."),
    ] = None,
    change: Annotated[
        float, typer.Option("--change", min=0, metavar="PERCENT", help="Change of volume from which a lesion grew or shrank.")
    ] = 25.0,
    fast: Annotated[bool, typer.Option("--fast", help="SyN on 4 mm instead of 2 mm: quicker, less exact.")] = False,
    as_json: AsJson = False,
) -> None:
    """Follow the lesions of one patient through several exams.

    Writes a timeline page (HTML, PDF), curves, tables of exams, lesions and changes, change maps on the baseline's grid, and a
    RANO-type category for each exam with the rule that gave it: a suggestion to be confirmed.

    Example: glioscope follow OUT/sub-P1/ses-1 OUT/sub-P1/ses-2 --dates 2021-03-01,2021-09-10 --out TIMELINE
    """
    from glioscope.cli.display import LiveProgress, print_json
    from glioscope.workflows import follow as workflow
    from glioscope.workflows.progress import Progress

    found = workflow.follow(
        exams,
        out,
        dates=dates,
        labels=labels or (),
        segmenter=segmenter,
        region=region,
        scheme=scheme,
        register=register,  # type: ignore[arg-type]
        landmarks=landmarks or (),
        change_percent=change,
        fast=fast,
        progress=Progress() if as_json else LiveProgress(),
    )
    print_json(found.document()) if as_json else _show(found)


def _show(found: Followed) -> None:
    from rich.console import Console
    from rich.table import Table

    from glioscope.cli.display import DISCLAIMER

    console = Console(highlight=False, soft_wrap=True)
    document = found.document()
    table = Table(box=None, pad_edge=False)
    columns = ("Exam", "Day", *(f"{name} ml" for name in found.region_volumes), "Sum mm2", "Category", "By volume")
    for number, words in enumerate(columns):
        table.add_column(words, justify="left" if number in (0, len(columns) - 2, len(columns) - 1) else "right")
    for exam in document["exams"]:
        response = exam["response"]
        volumes = (f"{exam['volumes_ml'][name]:.1f}" for name in found.region_volumes)
        numbers = (*volumes, f"{response['sum_of_products_mm2']:.0f}", response["category"], response["volume_category"])
        table.add_row(str(exam["exam"]), "" if exam["day"] is None else str(exam["day"]), *numbers)
    console.print(table)
    for c in document["changes"]:
        before, after = (", ".join(map(str, c[key])) for key in ("lesions_before", "lesions_after"))
        percent = "" if c["change_percent"] is None or not after else f" ({c['change_percent']:+.0f} %)"
        name = before if before == after else f"{before or 'none'} -> {after or 'none'}"
        console.print(f"  exam {c['from_exam']} to {c['to_exam']}: lesion {name} {c['event']}{percent}")
    for exam in document["exams"]:
        if exam["landmarks_mean_mm"]:
            told = ", ".join(f"{stage} {value:.2f} mm" for stage, value in exam["landmarks_mean_mm"].items())
            console.print(f"  landmarks of exam {exam['exam']}: {told}")
    last = document["exams"][-1]["response"]
    console.print(f"Suggested: {last['category']}. {last['rule']} {last['confirmation']['rule']}".rstrip())
    console.print(f"Written to {found.folder} (timeline.html, timeline.pdf)")
    console.print(DISCLAIMER, style="dim")
