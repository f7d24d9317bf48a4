"""`glioscope synthesize`: exams that belong to no patient, with exact labels."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glioscope.cli.options import AsJson, Jobs, OutPath
from glioscope.core.counting import counted

if TYPE_CHECKING:
    from glioscope.synthesis import Kind

__all__ = ["register"]

_STYLE = "brats: skull-stripped, 1 mm, label map beside them; raw: as a scanner exports them."


class StyleName(Enum):
    """Choices of --style."""

    brats = "brats"
    raw = "raw"


class ModeName(Enum):
    """Choices of --mode."""

    realistic = "realistic"
    random = "random"


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(synthesize)


def synthesize(
    out: OutPath,
    exams: Annotated[int, typer.Option("--exams", "-n", min=1, max=99999, help="How many exams.")] = 10,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed makes another cohort.")] = 0,
    style: Annotated[StyleName, typer.Option("--style", help=_STYLE)] = StyleName.brats,
    mode: Annotated[
        ModeName, typer.Option("--mode", help="Contrast: realistic, or random for each tissue.")
    ] = ModeName.realistic,
    shapes: Annotated[
        Path | None, typer.Option("--shapes", metavar="PATH", help="Label maps whose tumours are used besides grown ones.")
    ] = None,
    share: Annotated[
        float | None,
        typer.Option("--share", min=0, max=1, help="Part of the exams that get one of the shapes; half by default."),
    ] = None,
    healthy: Annotated[bool, typer.Option("--healthy", help="Heads without tumour; their label map is empty.")] = False,
    post_operative: Annotated[
        bool, typer.Option("--post-operative", help="After an operation: with a resection cavity, scheme brats-2024-gli.")
    ] = False,
    non_enhancing: Annotated[
        bool, typer.Option("--non-enhancing", help="Grown tumours have a large core that hardly enhances, if at all.")
    ] = False,
    residual: Annotated[
        tuple[float, float] | None,
        typer.Option("--residual", metavar="LOW HIGH", help="After an operation: ml of enhancing tumour left."),
    ] = None,
    operate: Annotated[
        Path | None,
        typer.Option("--operate", metavar="COHORT", help="Operate on these labelled exams: real images, drawn cavities."),
    ] = None,
    missing: Annotated[
        float, typer.Option("--missing", min=0, max=1, help="Probability that a sequence is left out; one always stays.")
    ] = 0.0,
    atlas: Annotated[str, typer.Option("--atlas", metavar="NAME", help="What heads are made from: SRI24 or MNI152.")] = "SRI24",
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> None:
    """Make synthetic exams with exact labels: a head, a tumour, four sequences.

    An exam that is there already, whole, is kept, so the same command goes on after an interruption.

    Example: glioscope synthesize cohort --exams 100
    """
    from glioscope.cli.display import LiveProgress, print_json
    from glioscope.workflows.operate_cohort import operate_cohort
    from glioscope.workflows.progress import Progress
    from glioscope.workflows.synthesize import synthesize as make

    kinds: dict[Kind, bool] = {"healthy": healthy, "post-operative": post_operative, "non-enhancing": non_enhancing}
    asked = [kind for kind, wanted in kinds.items() if wanted]
    if len(asked) > 1:
        raise typer.BadParameter(f"--{asked[0]} and --{asked[1]} exclude each other")
    if healthy and shapes is not None:
        raise typer.BadParameter("--healthy and --shapes exclude each other")
    if share is not None and shapes is None:
        raise typer.BadParameter("--share is of the exams that get one of the --shapes; give them too")
    if residual is not None and not (post_operative or operate):
        raise typer.BadParameter("--residual is what an operation leaves; give it with --post-operative or --operate")
    progress = Progress() if as_json else LiveProgress()
    if operate is not None:
        others = {
            "style": style is not StyleName.brats,
            "mode": mode is not ModeName.realistic,
            "missing": missing > 0,
            "atlas": atlas != "SRI24",
            "shapes": shapes is not None,
        }
        if given := [*(name for name, there in others.items() if there), *asked]:
            raise typer.BadParameter(f"--operate and --{given[0]} exclude each other")
        made = operate_cohort(operate, out, exams=exams, seed=seed, residual=residual, jobs=jobs, progress=progress)
    else:
        made = make(
            out,
            exams=exams,
            seed=seed,
            style=style.value,
            mode=mode.value,
            kind=asked[0] if asked else "pre-operative",
            atlas=atlas,
            shapes=shapes,
            share=0.5 if share is None else share,
            missing=missing,
            residual=residual,
            jobs=jobs,
            progress=progress,
        )
    if as_json:
        print_json(made.document())
        return
    typer.echo(f"{counted(len(made.exams), 'exam')} in '{made.folder}' ({made.made} made now).")
    if made.figure:
        typer.echo(f"Their label maps beside the given ones: {made.figure}")
