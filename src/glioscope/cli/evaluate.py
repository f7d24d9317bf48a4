"""Commands that compare segmentations: evaluate, rank, agreement."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from glioscope.cli.options import AsJson, Jobs

__all__ = ["register"]

_FILES = "Which file belongs to which"
_LABELS = "How labels are read"
_OUT = "What is written"
_STUDY = "Residual tumour"

Resample = Annotated[
    bool, typer.Option("--resample", help="Bring a map on another grid to the reference's.", rich_help_panel=_LABELS)
]
IgnoreAffine = Annotated[
    bool,
    typer.Option("--ignore-affine", help="Compare voxel by voxel, whatever headers say of position.", rich_help_panel=_LABELS),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of the random draws; the same seed gives the same numbers.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    for command in (evaluate, rank, agreement):
        app.command()(command)


def _option(name: str, words: str, panel: str, metavar: str | None = None) -> Any:  # noqa: ANN401
    return typer.Option(name, metavar=metavar, help=words, rich_help_panel=panel)


def _exit_code(result: Any) -> int:  # noqa: ANN401
    from glioscope.core import GlioscopeError

    try:
        result.check()
    except GlioscopeError as error:
        return error.exit_code
    return 0


def evaluate(
    prediction: Annotated[
        Path,
        typer.Argument(
            metavar="PRED",
            show_default=False,
            help="A label map, a folder of them, or a CSV table with the columns id, prediction, reference.",
        ),
    ],
    reference: Annotated[
        Path | None, typer.Argument(metavar="REF", show_default=False, help="A label map or a folder; none with a table.")
    ] = None,
    protocol: Annotated[
        str,
        typer.Option(
            "--protocol",
            "-p",
            metavar="NAME",
            help="The rules: general, or brats-2023-gli, brats-2024-met … for the challenges' own numbers, with -corrected for "
            "the same without their quirks. A name that is not known lists them all.",
        ),
    ] = "general",
    scheme: Annotated[str | None, _option("--scheme", "Label scheme of protocol general.", _LABELS, "NAME")] = None,
    scheme_pred: Annotated[
        str | None, _option("--scheme-pred", "Scheme of the predictions, if not the protocol's.", _LABELS, "NAME")
    ] = None,
    scheme_ref: Annotated[
        str | None, _option("--scheme-ref", "Scheme of the references, if not the protocol's.", _LABELS, "NAME")
    ] = None,
    resample: Resample = False,
    ignore_affine: IgnoreAffine = False,
    pred_files: Annotated[
        str | None, _option("--pred-files", "Take these of the folder PRED, such as '*_dseg.nii.gz'.", _FILES, "PATTERN")
    ] = None,
    ref_files: Annotated[str | None, _option("--ref-files", "Take these of the folder REF.", _FILES, "PATTERN")] = None,
    allow_missing: Annotated[
        bool,
        _option("--allow-missing", "Score a missing prediction as empty; leave out what has no reference.", _FILES),
    ] = False,
    csv: Annotated[Path | None, _option("--csv", "One row a case and region (.csv or .tsv).", _OUT, "FILE")] = None,
    parquet: Annotated[Path | None, _option("--parquet", "The same as Parquet (needs pyarrow).", _OUT, "FILE")] = None,
    lesions: Annotated[Path | None, _option("--lesions", "One row a lesion (.csv, .tsv or .parquet).", _OUT, "FILE")] = None,
    plots: Annotated[Path | None, _option("--plots", "Box, lesion-size and Bland-Altman plots (PNG).", _OUT, "FOLDER")] = None,
    study: Annotated[
        str | None, _option("--study", "residual: patient by patient, is there tumour left?", _STUDY, "NAME")
    ] = None,
    region: Annotated[str | None, _option("--region", "Region of the study; RT, ET or GTV by default.", _STUDY, "NAME")] = None,
    threshold_ml: Annotated[float, _option("--threshold-ml", "From which volume on tumour is left.", _STUDY, "ML")] = 0.175,
    seed: Seed = 0,
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> int:
    """Score segmentations against references: lesion by lesion, voxel by voxel.

    Example: glioscope evaluate predictions references --protocol brats-2024-gli --csv scores.csv
    """
    from glioscope.cli.display import print_json
    from glioscope.cli.score_display import ScoringProgress, show_evaluation
    from glioscope.workflows import evaluate as workflow
    from glioscope.workflows import score_files
    from glioscope.workflows.progress import Progress

    for path, endings in ((csv, (".csv", ".tsv")), (parquet, (".parquet",)), (lesions, (".csv", ".tsv", ".parquet"))):
        if path is not None and path.suffix.lower() not in endings:
            raise typer.BadParameter(f"'{path.name}' must end in {' or '.join(endings)}")
    score_files.check_writable([path for path in (csv, parquet, lesions) if path], plots)
    with nullcontext(Progress()) if as_json else ScoringProgress() as progress:
        result = workflow.evaluate(
            prediction,
            reference,
            protocol=protocol,
            scheme=scheme,
            prediction_scheme=scheme_pred,
            reference_scheme=scheme_ref,
            allow_missing=allow_missing,
            prediction_files=pred_files,
            reference_files=ref_files,
            resample=resample,
            ignore_affine=ignore_affine,
            study=study,
            region=region,
            threshold_ml=threshold_ml,
            seed=seed,
            jobs=jobs,
            progress=progress,
        )
    written = []
    for table in (csv, parquet):
        if table is not None:
            score_files.write_scores(table, result)
            written.append(str(table))
    if lesions is not None:
        score_files.write_lesions(lesions, result)
        written.append(str(lesions))
    if plots is not None:
        written += [str(path) for path in score_files.write_plots(plots, result)]
    if as_json:
        print_json(result.document())
    else:
        show_evaluation(result.document(), written)
    return _exit_code(result)


def rank(
    systems: Annotated[
        list[str],
        typer.Argument(
            metavar="SCORES.json...",
            show_default=False,
            help="Documents of `glioscope evaluate --json`, one a system: FILE or NAME=FILE.",
        ),
    ],
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric", "-m", metavar="NAME", help="Rank by these; lesion_dice and lesion_hd95 by default.", show_default=False
        ),
    ] = None,
    region: Annotated[
        list[str] | None, typer.Option("--region", metavar="NAME", help="Only these regions; all by default.")
    ] = None,
    permutations: Annotated[int, typer.Option("--permutations", min=100, help="Draws of the permutation test.")] = 10_000,
    plots: Annotated[Path | None, _option("--plots", "Box plots of the systems side by side (PNG).", _OUT, "FOLDER")] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> int:
    """Rank several systems as the BraTS challenges do, and test whether they differ.

    Example: glioscope rank ours=a.json nnunet=b.json --plots figures
    """
    from glioscope.cli.display import print_json
    from glioscope.cli.score_display import show_ranking
    from glioscope.workflows import rank as workflow
    from glioscope.workflows import score_files

    result = workflow.rank(systems, metrics=metric, regions=region, permutations=permutations, seed=seed)
    written = [str(path) for path in score_files.write_system_plots(plots, result)] if plots is not None else []
    if as_json:
        print_json(result.document())
    else:
        show_ranking(result.document(), written)
    return 0


def agreement(
    masks: Annotated[
        list[Path],
        typer.Argument(
            metavar="MASK...",
            show_default=False,
            help="Label maps of one exam, a rater each; or one CSV table with the column id, a column a rater, and optionally "
            "reference: one exam a row.",
        ),
    ],
    reference: Annotated[
        Path | None, typer.Option("--reference", "-r", metavar="FILE", help="Compare everyone with this map too.")
    ] = None,
    compare: Annotated[
        list[str] | None,
        typer.Option(
            "--compare",
            metavar="FILE",
            help="Compare this map, but give it no vote (a model among raters); with a table, a column.",
            show_default=False,
        ),
    ] = None,
    predicted: Annotated[
        list[str] | None,
        typer.Option(
            "--predicted",
            metavar="[REGION=]FILE",
            help="Score a predicted agreement map (0 to 1) by QUBIQ's thresholds.",
            show_default=False,
        ),
    ] = None,
    scheme: Annotated[
        str | None,
        typer.Option("--scheme", metavar="NAME", help="Compare the regions of this label scheme; else any label is tumour."),
    ] = None,
    resample: Resample = False,
    ignore_affine: IgnoreAffine = False,
    as_json: AsJson = False,
) -> int:
    """How far raters agree: with the majority of them all, with each other, with a reference.

    Example: glioscope agreement rater1.nii.gz rater2.nii.gz rater3.nii.gz --compare model.nii.gz
    """
    from glioscope.cli.display import print_json
    from glioscope.cli.score_display import show_agreement
    from glioscope.workflows import agreement as workflow

    maps: dict[str, str] | str | None = None
    if predicted:
        named = [text.partition("=") for text in predicted]
        whole = len(predicted) == 1 and (not named[0][1] or Path(predicted[0]).exists())
        maps = predicted[0] if whole else {name: path for name, _, path in named}
    result = workflow.agreement(
        masks,
        reference=reference,
        compared=compare or (),
        predicted=maps,
        scheme=scheme,
        resample=resample,
        ignore_affine=ignore_affine,
    )
    if as_json:
        print_json(result.document())
    else:
        show_agreement(result.document())
    return _exit_code(result)
