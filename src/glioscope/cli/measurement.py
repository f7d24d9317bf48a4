"""`glioscope measure`: volumes, diameters, lesions, RANO, location of what was segmented."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from glioscope.cli.options import AsJson

__all__ = ["register"]

_MAP = "For a label map on its own"


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("measure")(measure)


def measure(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="OUT|LABELMAP",
            help="Output folder of `run` or `segment` (or an exam's folder in one), or a label map.",
            show_default=False,
        ),
    ],
    segmenter: Annotated[
        str | None, typer.Option("--segmenter", "-s", metavar="NAME", help="Whose label maps of a results folder.")
    ] = None,
    atlas_volumes: Annotated[
        Path | None,
        typer.Option(
            "--atlas-volumes",
            metavar="FOLDER|WHEEL",
            help="Tracts, cortical regions and resection maps: the wheel of raidionicsrads, packed or unpacked.",
        ),
    ] = None,
    scheme: Annotated[
        str, typer.Option("--scheme", metavar="NAME", help="Its label scheme; auto goes by its values.", rich_help_panel=_MAP)
    ] = "auto",
    space: Annotated[
        str,
        typer.Option("--space", metavar="ATLAS", help="SRI24, MNI152 or none; auto goes by its grid.", rich_help_panel=_MAP),
    ] = "auto",
    brain: Annotated[
        Path | None, typer.Option("--brain", metavar="MASK", help="Brain mask, for the depth.", rich_help_panel=_MAP)
    ] = None,
    rater: Annotated[
        list[str] | None,
        typer.Option(
            "--rater", metavar="[NAME=]FILE", help="Another segmentation, for intervals; may be repeated.", rich_help_panel=_MAP
        ),
    ] = None,
    probability: Annotated[
        list[str] | None,
        typer.Option(
            "--probability",
            metavar="REGION=FILE",
            help="Probability map, for intervals; may be repeated.",
            rich_help_panel=_MAP,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FOLDER", help="Write measurements.json and lesions.csv here.", rich_help_panel=_MAP
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure tumours: volumes with intervals, diameters, foci, RANO 2.0 sums, location, overlap with tracts, resectability.

    In a results folder the measurements and the reports are written again.

    Example: glioscope measure OUT --atlas-volumes raidionicsrads-1.3.2-py3-none-any.whl
    """
    from glioscope.cli.display import LiveProgress, print_json
    from glioscope.cli.measurement_display import show_measured
    from glioscope.workflows import measure as workflow
    from glioscope.workflows.progress import Progress

    if space not in ("auto", "SRI24", "MNI152", "none"):
        raise typer.BadParameter(f"--space '{space}' is not one of auto, SRI24, MNI152, none")
    found: Any = workflow.measure(
        path,
        out=out,
        segmenter=segmenter,
        scheme=scheme,
        space=space,  # type: ignore[arg-type]
        brain=brain,
        raters=tuple(rater or ()),
        probabilities=tuple(probability or ()),
        atlas_volumes=atlas_volumes,
        progress=Progress() if as_json else LiveProgress(),
    )
    print_json(found.document()) if as_json else show_measured(found)
    if as_json and any(exam.error for exam in found.exams):
        raise typer.Exit(next(exam.error.exit_code for exam in found.exams if exam.error))
    found.check()
