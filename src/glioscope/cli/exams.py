"""Commands that take an exam: run, inspect, preprocess, segment, report, demo."""

from __future__ import annotations

import inspect as inspect_module
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from glioscope.cli import options as o
from glioscope.core import Sequence

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    for command in (run, inspect, preprocess, segment, report, demo):
        app.command()(command)


def _progress(as_json: bool) -> Any:  # noqa: ANN401
    from glioscope.cli.display import LiveProgress
    from glioscope.workflows.progress import Progress

    return Progress() if as_json else LiveProgress()


def _conclude(outcomes: Any, as_json: bool) -> int:  # noqa: ANN401
    """Print what came of it; the exit code tells whether some exam failed."""
    from glioscope.cli.display import print_json, show_outcomes
    from glioscope.core import GlioscopeError

    if as_json:
        print_json(outcomes.document())
    else:
        show_outcomes(outcomes)
    try:
        outcomes.check()
    except GlioscopeError as error:
        return error.exit_code
    return 0


def _ask(exam: Path, chosen: dict[Sequence, Path], exam_id: str | None, as_json: bool) -> dict[Sequence, Path]:
    """Ask at a terminal which of several equally good files to take; elsewhere the command refuses and lists them."""
    if as_json or not (sys.stdin.isatty() and sys.stderr.isatty()) or exam.suffix == ".zip":
        return chosen
    from glioscope.workflows.inspect import inspect as look

    inspections = look(exam, overrides=chosen, exam_id=exam_id)
    if len(inspections) != 1:
        return chosen
    for sequence, choices in inspections[0].ambiguous.items():
        typer.echo(f"Which one is {sequence.display_name}?", err=True)
        for number, candidate in enumerate(choices, start=1):
            typer.echo(f"  {number}  {candidate.name}  ({candidate.reason})", err=True)
        number = 0
        while not 1 <= number <= len(choices):
            number = typer.prompt(f"Number, 1 to {len(choices)}", type=int, err=True)
        chosen = {**chosen, sequence: choices[number - 1].files[0]}
    return chosen


def run(
    exam: o.ExamPath,
    out: o.OutPath,
    segmenter: o.SegmenterName = "auto",
    scheme: o.ResultScheme = "auto",
    postprocess: o.Postprocess = None,
    fast: o.Fast = False,
    best: o.Best = False,
    earlier: o.EarlierPath = None,
    exam_id: o.ExamId = None,
    t1n: o.T1N = None,
    t1c: o.T1C = None,
    t2w: o.T2W = None,
    t2f: o.T2F = None,
    atlas: o.Atlas = "SRI24",
    atlas_transform: o.AtlasTransform = "rigid",
    registration: o.Registration = "ants",
    brain_extraction: o.BrainExtraction = "deepbet",
    interpolation: o.Interpolate = "linear",
    normalisation: o.Normalise = None,
    deface: o.Deface = False,
    strip_native: o.StripNative = False,
    jobs: o.Jobs = None,
    dicom: o.Dicom = False,
    as_json: o.AsJson = False,
) -> int:
    """From a raw exam to a report: sub-regions in the patient's own space, volumes, a quality statement.

    A run that was stopped goes on where it stopped; a repeated run does nothing. Exams that are skull-stripped and on one
    grid already (every BraTS case) are taken as they are.

    Example: glioscope run exams/patient-7 results
    """
    return _stages("run", **locals())


def _like_run(name: str, help_text: str, without: tuple[str, ...] = ()) -> Callable[..., int]:
    """A command that takes what `run` takes, save the parameters in `without`."""

    def command(**given: Any) -> int:  # noqa: ANN401
        return _stages(name, **given)

    signature = inspect_module.signature(run, eval_str=True)
    kept = [parameter for key, parameter in signature.parameters.items() if key not in without]
    command.__name__, command.__doc__ = name, help_text
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in kept} | {"return": int}
    command.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
    return command


segment = _like_run(
    "segment",
    """Label maps in the patient's own space, without a report.

    Example: glioscope segment exams/patient-7 results --segmenter flair-threshold
    """,
    without=("dicom",),
)

preprocess = _like_run(
    "preprocess",
    """Skull-stripped, co-registered images in the atlas and on the native grid (BraTS convention).

    Example: glioscope preprocess exams/patient-7 results --atlas MNI152
    """,
    without=("segmenter", "scheme", "postprocess", "fast", "best", "earlier", "dicom"),
)


def _stages(name: str, **given: Any) -> int:  # noqa: ANN401
    import glioscope
    from glioscope.workflows.preprocess_exam import PreprocessOptions

    chosen = o.overrides(given["t1n"], given["t1c"], given["t2w"], given["t2f"])
    as_json: bool = given["as_json"]
    workflow: Callable[..., Any] = getattr(glioscope, name)
    extra: dict[str, Any] = {
        key: given[key] for key in ("segmenter", "scheme", "postprocess", "earlier", "dicom") if key in given
    }
    if given.get("fast") and given.get("best"):
        raise typer.BadParameter("--fast and --best exclude each other")
    if "fast" in given:
        extra["effort"] = "fast" if given["fast"] else "best" if given["best"] else "standard"
    outcomes = workflow(
        given["exam"],
        given["out"],
        options=PreprocessOptions(
            atlas=given["atlas"],
            registration=given["registration"],
            atlas_transform=given["atlas_transform"],
            interpolation=given["interpolation"],
            brain_extraction=given["brain_extraction"],
            deface=given["deface"],
            skull_strip_native=given["strip_native"],
            normalisation=given["normalisation"],
        ),
        overrides=_ask(given["exam"], chosen, given["exam_id"], as_json),
        exam_id=given["exam_id"],
        jobs=given["jobs"],
        progress=_progress(as_json),
        **extra,
    )
    return _conclude(outcomes, as_json)


def inspect(
    exam: o.ExamPath,
    exam_id: o.ExamId = None,
    t1n: o.T1N = None,
    t1c: o.T1C = None,
    t2w: o.T2W = None,
    t2f: o.T2F = None,
    as_json: o.AsJson = False,
) -> int:
    """Which file is which sequence and why, what is missing, what would go wrong. Takes seconds, changes nothing.

    Example: glioscope inspect exams/patient-7
    """
    import glioscope
    from glioscope.cli.display import print_json, show_inspections

    inspections = glioscope.inspect(exam, overrides=o.overrides(t1n, t1c, t2w, t2f), exam_id=exam_id)
    if as_json:
        print_json([inspection.document() for inspection in inspections])
    else:
        show_inspections(inspections)
    problems = [inspection.problem for inspection in inspections if inspection.problem]
    return problems[0].exit_code if len(inspections) == 1 and problems else 10 if problems else 0


def report(out: o.OutPath, as_json: o.AsJson = False) -> int:
    """Make the reports below OUT again, from what a run left there.

    Example: glioscope report results
    """
    import glioscope

    return _conclude(glioscope.report(out, progress=_progress(as_json)), as_json)


def demo(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write the demo to.")] = Path("glioscope-demo"),
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed makes another exam.")] = 4,
    as_json: o.AsJson = False,
) -> int:
    """Make a synthetic exam and run it, from raw images to the report.

    Example: glioscope demo
    """
    import glioscope

    return _conclude(glioscope.demo(out, seed=seed, progress=_progress(as_json)), as_json)
