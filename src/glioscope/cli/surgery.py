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
    scheme: Annotated[str, _file("--scheme", "Label scheme after surgery; auto goes by what is sure.", _LABELS, "NAME")] = "auto",
    pre_scheme: Annotated[str, _file("--pre-scheme", "Label scheme before surgery.", _LABELS, "NAME")] = "auto",
    segmenter: Annotated[
        str | None, _file("--segmenter", "Whose label map of a results folder POST.", _LABELS, "NAME")
    ] = None,
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
