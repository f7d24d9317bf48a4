"""`glioscope surgery` and `glioscope study`: what is left after surgery, in one exam and over a cohort."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from glioscope.cli.options import AsJson

__all__ = ["register"]

_SURE, _BLOOD, _LABELS = "How sure it is", "Blood or enhancement", "How labels are read"


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("surgery")(surgery)
    app.command("study")(study)


def _file(name: str, words: str, panel: str, metavar: str = "FILE") -> Any:  # noqa: ANN401
    return typer.Option(name, metavar=metavar, help=words, rich_help_panel=panel)


def surgery(
    post: Annotated[
        Path,
        typer.Argument(
            metavar="POST",
            help="Label map of the exam after surgery, or its folder in a results folder (then it joins the report).",
            show_default=False,
        ),
    ],
    pre: Annotated[
        Path | None, typer.Option("--pre", metavar="PRE", help="The same of the exam before surgery; no registration needed.")
    ] = None,
    cut: Annotated[float, typer.Option("--cut", metavar="ML", help="From which volume on tumour is left.")] = 0.175,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FOLDER", help="Write surgery.json and the picture here.")
    ] = None,
    probability: Annotated[
        Path | None, _file("--probability", "Probability map of the enhancing tumour; found in a results folder.", _SURE)
    ] = None,
    rater: Annotated[
        list[str] | None,
        _file("--rater", "Label map of a rater, several times; found in a results folder.", _SURE, "[NAME=]FILE"),
    ] = None,
    t1n: Annotated[Path | None, _file("--t1n", "Native T1 on the grid of the label map.", _BLOOD)] = None,
    t1c: Annotated[Path | None, _file("--t1c", "Contrast T1 on that grid.", _BLOOD)] = None,
    brain: Annotated[Path | None, _file("--brain", "Brain mask, where they show more than the brain.", _BLOOD)] = None,
    scheme: Annotated[str, _file("--scheme", "Label scheme after surgery; auto guesses nothing.", _LABELS, "NAME")] = "auto",
    pre_scheme: Annotated[str, _file("--pre-scheme", "Label scheme before surgery.", _LABELS, "NAME")] = "auto",
    segmenter: Annotated[str | None, _file("--segmenter", "Whose label map of a results folder POST.", _LABELS, "NAME")] = None,
    pre_segmenter: Annotated[
        str | None, _file("--pre-segmenter", "Whose label map of a results folder PRE.", _LABELS, "NAME")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """After surgery: residual tumour or gross total resection, extent of resection, cavity, RANO resect class.

    With probabilities or several raters, how probable each is; with both T1 images, what of it may be blood.

    Example: glioscope surgery after_seg.nii.gz --pre before_seg.nii.gz --scheme brats-2024-gli
    """
    from glioscope.cli.display import print_json
    from glioscope.workflows import surgery as workflow

    found = workflow.surgery(
        post,
        pre=pre,
        cut_ml=cut,
        scheme=scheme,
        pre_scheme=pre_scheme,
        segmenter=segmenter,
        pre_segmenter=pre_segmenter,
        probability=probability,
        raters=rater or (),
        t1n=t1n,
        t1c=t1c,
        brain=brain,
        out=out,
    )
    print_json(found.document()) if as_json else _show_surgery(found)


def _show_surgery(found: Any) -> None:  # noqa: ANN401
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from glioscope.cli.display import DISCLAIMER
    from glioscope.reporting.surgery_section import surgery_section, surgery_sentences

    console = Console(highlight=False)
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for question, answer in surgery_sentences(found.numbers):
        table.add_row(f"[bold]{escape(question)}[/]", escape(answer))
    console.print(table)
    section = surgery_section(found.numbers)
    console.print(f"[yellow]![/] {escape(section.paragraphs[0])}" if section else "")
    for file in found.files:
        console.print(f"[dim]{escape(str(file))}[/]", soft_wrap=True)
    console.print(f"[dim]{DISCLAIMER}[/]")


def study(
    cohort: Annotated[
        Path,
        typer.Argument(
            metavar="COHORT.csv",
            help="A table with the columns id, reference, prediction (or model:NAME for each of several), and where there are "
            "any fold, site, set, novice:NAME, expert:NAME.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FOLDER", help="Write tables, figure and study.json here.")
    ] = None,
    scheme: Annotated[str, _file("--scheme", "Label scheme of all label maps.", _LABELS, "NAME")] = "residual",
    region: Annotated[
        str | None, _file("--region", "Region to compare; the enhancing tumour by default.", _LABELS, "NAME")
    ] = None,
    cut: Annotated[float, typer.Option("--cut", metavar="ML", help="From which volume on tumour is left.")] = 0.175,
    minimum_dice: Annotated[
        float, typer.Option("--minimum-dice", min=0, max=1, help="Overlap from which a tumour counts as found.")
    ] = 0.01,
    allow_missing: Annotated[bool, typer.Option("--allow-missing", help="Count a missing prediction as empty.")] = False,
    resample: Annotated[
        bool, typer.Option("--resample", help="Bring a map on another grid to the reference's.", rich_help_panel=_LABELS)
    ] = False,
    ignore_affine: Annotated[
        bool,
        typer.Option("--ignore-affine", help="Compare voxel by voxel, whatever headers say.", rich_help_panel=_LABELS),
    ] = False,
    as_json: AsJson = False,
) -> int:
    """A cohort after surgery: the patient-wise tables and the raters' figure of Helland et al. 2023.

    Example: glioscope study cohort.csv --out study
    """
    from contextlib import nullcontext

    from glioscope.cli.display import print_json
    from glioscope.cli.score_display import ScoringProgress
    from glioscope.core import GlioscopeError
    from glioscope.workflows import study as workflow
    from glioscope.workflows.progress import Progress

    if not cut > 0:
        raise typer.BadParameter("--cut must be above 0")
    with nullcontext(Progress()) if as_json else ScoringProgress() as progress:
        found = workflow.study(
            cohort,
            out,
            scheme=scheme,
            region=region,
            threshold_ml=cut,
            minimum_dice=minimum_dice,
            allow_missing=allow_missing,
            resample=resample,
            ignore_affine=ignore_affine,
            progress=progress,
        )
    print_json(found.document()) if as_json else _show_study(found)
    try:
        found.check()
    except GlioscopeError as error:
        return error.exit_code
    return 0


def _show_study(found: Any) -> None:  # noqa: ANN401
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from glioscope.cli.display import DISCLAIMER
    from glioscope.workflows.study_files import printed_tables

    console = Console(highlight=False)
    for title, (columns, rows) in printed_tables(found).items():
        table = Table(*map(escape, columns), title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
        for row in rows:
            table.add_row(*map(escape, row))
        console.print(table)
    for case in found.failed:
        console.print(f"[red]✗[/] [bold]{escape(case.id)}[/]  {escape(str(case.error))}")
    for file in found.files:
        console.print(f"[dim]{escape(str(file))}[/]", soft_wrap=True)
    console.print(f"[dim]{DISCLAIMER}[/]")
