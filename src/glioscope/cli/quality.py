"""`glioscope quality`: how far segmentations can be trusted when there is no reference."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from glioscope.cli.options import AsJson, Jobs
from glioscope.core.counting import counted

__all__ = ["register"]

_COHORT = (
    "A results folder of Glioscope, a folder with one folder an exam and one label map a rater, or a CSV (case,rater,file)."
)
_LAYOUT = "How a folder is arranged: case/rater or rater/case."

Scheme = Annotated[
    str, typer.Option("--scheme", metavar="NAME", help="Label scheme of the files; auto tells BraTS 2021 from 2023.")
]
LayoutName = Annotated[str, typer.Option("--layout", metavar="KIND", help=_LAYOUT)]
ExamFolder = Annotated[
    Path | None,
    typer.Option("--exam", metavar="FOLDER", help="Folder of an exam in a results folder whose report shall show it."),
]


def register(app: typer.Typer) -> None:
    """Add the group to `app`."""
    group = typer.Typer(
        name="quality",
        help="How far segmentations can be trusted when there is no reference.\n\n"
        "Alarms where the members of an ensemble disagree more than usual, uncertainty of probabilities, a second opinion.",
        no_args_is_help=True,
    )
    for command in (calibrate, assess, uncertainty, opinion):
        group.command()(command)
    app.add_typer(group)


def calibrate(
    cohort: Annotated[Path, typer.Argument(metavar="COHORT", help=_COHORT, show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The JSON file to write.")] = Path("alarms.json"),
    alpha: Annotated[
        float, typer.Option("--alpha", help="MADs below the median at which alarms begin: 0 for many alarms, 3 for few.")
    ] = 0.1,
    by: Annotated[
        str | None, typer.Option("--alpha-by", metavar="RULE", help="Choose alpha by entropy, correlation or both instead.")
    ] = None,
    alpha_for: Annotated[
        list[str] | None,
        typer.Option("--alpha-for", metavar="NAME=ALPHA", help="Another alpha for a rater, a region or a metric."),
    ] = None,
    quality: Annotated[
        Path | None,
        typer.Option("--quality", metavar="CSV", help="Quality of the exams (case,quality); else Dice with their references."),
    ] = None,
    method: Annotated[str, typer.Option("--method", help="Fusion: majority or simple.")] = "majority",
    metric: Annotated[
        list[str] | None, typer.Option("--metric", help="dice, hausdorff, hd95; dice and hausdorff by default.")
    ] = None,
    region: Annotated[
        list[str] | None, typer.Option("--region", help="Only these regions; all of the scheme by default.")
    ] = None,
    pool: Annotated[
        bool, typer.Option("--pool-regions", help="One threshold for the mean over regions, not one a region.")
    ] = False,
    scheme: Scheme = "auto",
    layout: LayoutName = "case/rater",
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> int:
    """Learn from a cohort which discord between raters is usual.

    A rater is whoever made a label map: a segmenter, an algorithm, a person. All raters of an exam are fused; the further one
    is from the fusion, compared with the cohort, the more alarms `assess` will raise.

    Example: glioscope quality calibrate results -o alarms.json
    """
    from glioscope.cli.display import print_json
    from glioscope.workflows.assess_quality import calibrate_quality
    from glioscope.workflows.rater_similarity import Comparison

    _one_of("--alpha-by", by, (None, "entropy", "correlation", "both"))
    _one_of("--layout", layout, ("case/rater", "rater/case"))
    _finite("--alpha", alpha)
    found = calibrate_quality(
        cohort,
        out,
        alpha=alpha,
        by=by,  # type: ignore[arg-type]
        alphas=dict(_pair(text) for text in alpha_for or []),
        quality=quality,
        how=Comparison(method, tuple(metric or ("dice", "hausdorff")), scheme, tuple(region or ()), pool),
        layout=layout,  # type: ignore[arg-type]
        jobs=jobs or os.cpu_count() or 1,
        progress=_progress(as_json),
    )
    print_json(found.document()) if as_json else _show_calibration(found)
    return 10 if found.failed else 0


def assess(
    masks: Annotated[
        list[str],
        typer.Argument(
            metavar="MASK...|COHORT", help="Label maps of one exam (FILE or RATER=FILE), or: " + _COHORT, show_default=False
        ),
    ],
    calibration: Annotated[Path, typer.Option("--calibration", "-c", metavar="FILE", help="What `calibrate` wrote.")],
    alpha: Annotated[float | None, typer.Option("--alpha", help="Another alpha this time; larger for fewer alarms.")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the work list here.")] = None,
    exam: ExamFolder = None,
    layout: LayoutName = "case/rater",
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> int:
    """Raise alarms and rank exams, the most suspicious first.

    Exams of a results folder keep their alarms: `glioscope report` then shows them.

    Example: glioscope quality assess results --calibration alarms.json --csv worklist.csv
    """
    from glioscope.cli.display import print_json
    from glioscope.workflows.assess_quality import assess_quality
    from glioscope.workflows.rater_cases import named_case, rater_cases

    _one_of("--layout", layout, ("case/rater", "rater/case"))
    _finite("--alpha", alpha)
    one = Path(masks[0])
    if len(masks) == 1 and (one.is_dir() or one.suffix == ".csv"):
        if exam:
            raise typer.BadParameter("--exam goes with the label maps of one exam; exams of a results folder keep their alarms")
        cases = rater_cases(one, layout)  # type: ignore[arg-type]
    else:
        cases = [named_case(masks, exam.name if exam else "exam", exam)]
    found = assess_quality(
        cases, calibration, alpha=alpha, csv_file=csv_file, jobs=jobs or os.cpu_count() or 1, progress=_progress(as_json)
    )
    print_json(found.document()) if as_json else _show_work_list(found)
    return 10 if found.failed else 0


def uncertainty(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="PROB...", help="Probability maps of an ensemble's members or of augmentations.", show_default=False
        ),
    ],
    region: Annotated[
        str | None, typer.Option("--region", help="Their region, where names do not tell it (_label-ET_).")
    ] = None,
    reference: Annotated[
        Path | None, typer.Option("--reference", metavar="FILE", help="Label map of the truth, for the calibration curve.")
    ] = None,
    within: Annotated[Path | None, typer.Option("--within", metavar="MASK", help="Calibrate inside this mask only.")] = None,
    bins: Annotated[int, typer.Option("--bins", min=2, help="Bins of the calibration curve.")] = 10,
    adaptive: Annotated[bool, typer.Option("--adaptive", help="Bins of equal counts, not of equal width.")] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FOLDER", help="Write the maps here.")] = None,
    exam: ExamFolder = None,
    scheme: Scheme = "auto",
    as_json: AsJson = False,
) -> None:
    """Entropy of probability maps by voxel and region; with a reference, whether they mean what they say.

    Example: glioscope quality uncertainty fold*_label-ET_probseg.nii.gz --reference truth.nii.gz -o maps
    """
    from glioscope.cli.display import print_json
    from glioscope.workflows.assess_uncertainty import assess_uncertainty

    kind: Any = "mass" if adaptive else "width"
    found = assess_uncertainty(
        files, region=region, reference=reference, scheme=scheme, within=within, bins=bins, kind=kind, out=out, exam=exam
    )
    print_json(found) if as_json else _show_uncertainty(found)


def opinion(
    mask: Annotated[Path, typer.Argument(metavar="MASK", help="Label map to rate.", show_default=False)],
    images: Annotated[
        Path, typer.Argument(metavar="EXAM", help="The exam in the atlas, such as a BraTS case.", show_default=False)
    ],
    scheme: Scheme = "auto",
    exam: ExamFolder = None,
    as_json: AsJson = False,
) -> None:
    """A second opinion: the stars (1 to 6) that radiologists would give, guessed by a network.

    Needs the weights: pip install --no-deps deep_quality_estimation

    Example: glioscope quality opinion seg.nii.gz BraTS-GLI-00001-000
    """
    from glioscope.cli.display import print_json
    from glioscope.workflows.second_opinion import ask_second_opinion

    found = ask_second_opinion(mask, images, scheme=scheme, exam=exam)
    print_json(found.document()) if as_json else typer.echo(found.paragraph)


def _progress(as_json: bool) -> Any:  # noqa: ANN401
    from glioscope.cli.display import LiveProgress
    from glioscope.workflows.progress import Progress

    return Progress() if as_json else LiveProgress()


def _one_of(option: str, value: str | None, known: tuple[str | None, ...]) -> None:
    if value not in known:
        raise typer.BadParameter(f"{option} '{value}' is not one of {', '.join(k for k in known if k)}")


def _finite(option: str, value: float | None) -> None:
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{option} {value} is not a finite number, such as 0.1")


def _pair(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        alpha = float(value)
    except ValueError:
        raise typer.BadParameter(f"--alpha-for '{text}' is not NAME=ALPHA, such as ET=0") from None
    _finite(f"--alpha-for {name}", alpha)
    return name, alpha


def _show_calibration(found: Any) -> None:  # noqa: ANN401
    import numpy as np
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, soft_wrap=True)
    table = Table("alpha", "entropy", "r with quality", "exams without alarm", "alarms: median", "most", pad_edge=False)
    for row in found.table:
        r = row.correlations["all"]
        each = np.repeat(np.arange(len(row.counts)), row.counts)
        told = (
            f"{row.entropy:.2f}",
            "" if r is None else f"{r:+.2f}",
            str(row.counts[0]),
            f"{np.median(each):g}",
            str(each[-1]),
        )
        table.add_row(f"{row.alpha:+.2f}", *told, style="bold" if row.alpha == found.calibration.alpha else "")
    console.print(table)
    learnt = found.calibration
    console.print(
        f"{counted(len(learnt.values), 'exam')}, {counted(len(learnt.raters), 'rater')}, alpha {learnt.alpha:g}: {found.file}"
    )
    for remark in found.remarks:
        console.print(f"[yellow]! {remark}[/]")


def _show_work_list(found: Any) -> None:  # noqa: ANN401
    from rich.console import Console
    from rich.table import Table

    from glioscope.quality import work_list

    console = Console(highlight=False, soft_wrap=True)
    if len(found.exams) == 1:
        console.print(found.exams[0].paragraph)
        return
    table = Table("rank", pad_edge=False)
    table.add_column("exam", overflow="fold")
    for title in ("alarms", "cohort with fewer"):
        table.add_column(title)
    table.add_column("worst rater", overflow="fold")
    table.add_column("worst region")
    for row in work_list(found.exams):
        risk, share = f"{row['risk']} of {row['possible']}", f"{row['share_of_cohort_with_fewer']:.0%}"
        table.add_row(*map(str, (row["rank"], row["case"], risk, share, row["worst_rater"], row["worst_region"])))
    console.print(table)
    for exam in found.exams:
        if exam.ignored:
            console.print(f"[yellow]! {exam.case}: the calibration does not know {', '.join(exam.ignored)}; left out.[/]")


def _show_uncertainty(found: Any) -> None:  # noqa: ANN401
    from rich.console import Console
    from rich.table import Table

    table = Table("region", "maps", "entropy", "contradiction", "volume ml", "uncertain ml", pad_edge=False)
    for region, values in found["regions"].items():
        numbers = ("mean_entropy", "mean_mutual_information", "volume_ml", "uncertain_ml")
        table.add_row(
            region, str(values["members"]), *("–" if values[name] is None else f"{values[name]:.3f}" for name in numbers)
        )
    console = Console(highlight=False, soft_wrap=True)
    console.print(table)
    console.print("Entropy and contradiction: means over the region, in bits (0 sure, 1 a toss-up).")
    for region, curve in found.get("calibration", {}).items():
        errors = [curve[f"{name}_calibration_error"] for name in ("expected", "maximum")]
        console.print(f"{region}: ECE {errors[0]:.4f}, MCE {errors[1]:.4f}, Brier score {curve['brier_score']:.4f}.")
