"""Commands on segmentations that are there already: postprocess, tune."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glioscope.cli.options import AsJson, Jobs, SchemeName

__all__ = ["register"]

_Predictions = Annotated[
    list[Path],
    typer.Argument(
        metavar="PREDICTIONS...",
        help="A folder of region probability maps (…_label-WT_probseg, CASE-WT) or label maps; several are several raters.",
        show_default=False,
    ),
]
_GivenScheme = Annotated[
    str | None, typer.Option("--given-scheme", metavar="NAME", help="Label scheme of the label maps read, where it differs.")
]
_PredFiles = Annotated[str | None, typer.Option("--pred-files", metavar="PATTERN", help="Only predictions named like this.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    for command in (postprocess, tune):
        app.command()(command)


def postprocess(
    segmentation: _Predictions,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="OUT", help="A NIfTI file for one case, else a folder.")],
    steps: Annotated[
        Path | None,
        typer.Option("--steps", metavar="FILE", help="What to do; the published thresholds and dust removal by default."),
    ] = None,
    undo: Annotated[
        Path | None, typer.Option("--undo", metavar="RECORD", help="Rebuild what the steps were given, from a …_changes.json.")
    ] = None,
    scheme: SchemeName = "brats-2023",
    given_scheme: _GivenScheme = None,
    pred_files: _PredFiles = None,
    as_json: AsJson = False,
) -> None:
    """Final label maps from region probabilities or label maps: thresholds, dust, holes, smallest volumes.

    What was changed is written beside each label map, component by component, so that it can be undone.

    Example: glioscope postprocess results/sub-7/anat -o final.nii.gz --steps tuned.json
    """
    from rich.console import Console
    from rich.markup import escape

    from glioscope.cli.display import print_json
    from glioscope.workflows.postprocess import postprocess as work
    from glioscope.workflows.postprocess import undo_postprocess

    console = Console(highlight=False, soft_wrap=True)
    if undo is not None:
        if len(segmentation) != 1:
            raise typer.BadParameter("--undo takes one label map")
        file = undo_postprocess(segmentation[0], undo, out)
        if as_json:
            print_json({"labels": str(file)})
        else:
            console.print(escape(str(file)))
        return
    done = work(segmentation, out, steps=steps, scheme=scheme, given_scheme=given_scheme, pattern=pred_files)
    if as_json:
        print_json({"cases": [case.document() for case in done]})
        return
    for case in done:
        console.print(f"[bold]{escape(case.id)}[/]  {escape(str(case.labels))}")
        for line in case.record.summary():
            what = f"to label {line['after']}" if line["after"] else "removed"
            parts = f"{line['components']} component{'s' * (line['components'] != 1)}"
            console.print(f"  · {line['step']}: {parts} of {line['region']} {what}, {line['volume_mm3']:.0f} mm3")
        if not case.record.changes:
            console.print("  · no step changed anything")


def tune(
    predictions: _Predictions,
    references: Annotated[
        Path, typer.Argument(metavar="REFERENCES", help="A folder of expert label maps.", show_default=False)
    ],
    protocol: Annotated[str, typer.Option("--protocol", "-p", metavar="NAME", help="Scoring rules, such as brats-2024-gli.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="The file to write, for segment --postprocess, postprocess --steps and fuse --weights.",
        ),
    ],
    metric: Annotated[
        str | None, typer.Option("--metric", metavar="NAME", help="What to maximise; lesion_dice, or dice, by default.")
    ] = None,
    tunable: Annotated[
        str,
        typer.Option("--tune", metavar="LIST", help="Only some of: thresholds, dust, small-et, weights.", show_default=False),
    ] = "thresholds,dust,small-et,weights",
    folds: Annotated[int, typer.Option("--folds", min=2, help="Parts of cross-validation.")] = 5,
    trials: Annotated[int, typer.Option("--trials", min=1, help="Points tried in each fit.")] = 60,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the search and of the parts.")] = 0,
    storage: Annotated[
        Path | None,
        typer.Option(
            "--storage",
            metavar="FILE",
            help="Keep finished trials here, to go on after a kill; beside --out, as NAME.trials.db, by default.",
            show_default=False,
        ),
    ] = None,
    given_scheme: _GivenScheme = None,
    pred_files: _PredFiles = None,
    ref_files: Annotated[
        str | None, typer.Option("--ref-files", metavar="PATTERN", help="Only references named like this.")
    ] = None,
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> None:
    """Thresholds, dust sizes and raters' weights that score better than the published ones, cross-validated, written to a file.

    Where no setting is better for sure, the published ones are written. A killed tuning goes on when it is called again.

    Use exams that the segmenter was not trained on. Needs `pip install 'glioscope\\[tune]'`.

    Example: glioscope tune results experts --protocol brats-2023-gli -o tuned.json

    Weights for fuse and postprocess: glioscope tune rater-a rater-b experts -p brats-2024-gli --tune weights -o weights.json
    """
    import os

    from rich.console import Console
    from rich.markup import escape

    from glioscope.cli.display import print_json
    from glioscope.workflows.tune import tune as work

    beside = Console(stderr=True, highlight=False, soft_wrap=True)
    done = work(
        predictions,
        references,
        out,
        protocol=protocol,
        metric=metric,
        given_scheme=given_scheme,
        tunable=[name.strip() for name in tunable.split(",") if name.strip()],
        folds=folds,
        trials=trials,
        seed=seed,
        jobs=jobs or os.cpu_count() or 1,
        storage=storage,
        pattern=pred_files,
        reference_pattern=ref_files,
        told=(lambda sentence: None) if as_json else lambda sentence: beside.print(f"  · {escape(sentence)}"),
    )
    if as_json:
        print_json(done.document())
        return
    published, tuned = done.tuned.held_out
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"[bold]{escape(done.score.metric)}[/] on held-out exams: {published:.4f} as published, [bold]{tuned:.4f}[/] tuned"
    )
    if done.tuned.fit.kept_published:
        console.print("[yellow]![/] No setting was better than the published ones for sure, so these were written.")
    elif tuned <= published:
        console.print("[yellow]![/] Tuning gained nothing on exams that it did not see; the published settings are as good.")
    document = done.tuned.chain.document()
    for key in ("weights", "thresholds", "steps"):
        if key in document:
            console.print(f"  {key:<11} {escape(str(document[key]))}")
    console.print(f"  {escape(str(done.file))}")
