"""Commands that bring models in and out, or make them faster: import-model, export onnx, export nnunet-raw, quantise."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glioscope.cli.options import AsJson
from glioscope.core.counting import counted

__all__ = ["register"]

_HOW = "What the model expects"

Channels = Annotated[
    str | None,
    typer.Option(
        "--channels",
        metavar="A,B,…",
        help="Its channels in order, such as t1c,t1n,t2f,t2w; read from the model where it says so.",
        rich_help_panel=_HOW,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("import-model")(import_model)
    app.command()(quantise)
    export = typer.Typer(no_args_is_help=True, help="Write bundles and cohorts in the formats of other programs.")
    export.command("onnx")(onnx)
    export.command("nnunet-raw")(nnunet_raw)
    app.add_typer(export, name="export")


def import_model(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="nnunet, monai, cascade or external.", show_default=False)],
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="nnunet: a trained folder with plans.json and fold_*. monai: an unpacked bundle. cascade: the folder with the "
            "nine .npz files of BraTS 2017. external: a command, such as 'seg {t1c} {t2f} -o {out}'.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="BUNDLE", help="The folder to write.", show_default=False)],
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Its name; by default the folder's.")] = None,
    channels: Channels = None,
    scheme: Annotated[
        str | None,
        typer.Option("--scheme", metavar="NAME", help="Label scheme; by default the first that fits.", rich_help_panel=_HOW),
    ] = None,
    orientation: Annotated[
        str | None,
        typer.Option(
            "--orientation", metavar="AXES", help="Of the images that it learnt from; LPS as in BraTS.", rich_help_panel=_HOW
        ),
    ] = None,
    space: Annotated[
        str,
        typer.Option("--space", metavar="KIND", help="atlas, native or any: where its images lay.", rich_help_panel=_HOW),
    ] = "atlas",
    licence: Annotated[str | None, typer.Option("--licence", metavar="SPDX", help="Licence of the weights.")] = None,
    fold: Annotated[
        list[str] | None, typer.Option("--fold", metavar="N", help="nnunet: this fold alone; several times for several.")
    ] = None,
    time_limit: Annotated[
        float | None, typer.Option("--time-limit", metavar="SECONDS", help="external: stopped after that; 3600 by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a bundle of somebody else's model; `--segmenter BUNDLE` then uses it like any other.

    Example: glioscope import-model nnunet nnUNetTrainer__nnUNetPlans__3d_fullres -o my-nnunet
    """
    from glioscope.cli.display import print_json
    from glioscope.workflows.import_model import import_model as work

    bundle = work(
        kind,
        source,
        out,
        name=name,
        channels=_listed(channels),
        scheme=scheme,
        orientation=orientation,
        space=space,
        licence=licence,
        folds=fold,
        time_limit_s=time_limit,
    )
    if as_json:
        print_json({"bundle": str(bundle.folder), "name": bundle.name, "kind": bundle.kind, "checksum": bundle.checksum})
        return
    members = f", {counted(len(bundle.files), 'network')}" if bundle.files else ""
    typer.echo(f"Wrote '{bundle.folder}' ({bundle.kind}{members}). Use it: glioscope run EXAM OUT --segmenter {bundle.folder}")


def onnx(
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="Its folder or name.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where to write.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Each network of a bundle as an ONNX file, checked against PyTorch where ONNX Runtime is installed.

    Example: glioscope export onnx my-bundle -o onnx
    """
    from glioscope.cli.display import print_json
    from glioscope.workflows.export_model import export_network

    files = [str(file) for file in export_network(bundle, out)]
    if as_json:
        print_json({"files": files})
        return
    typer.echo("\n".join(f"Wrote '{file}'." for file in files))


def nnunet_raw(
    cohort: Annotated[
        Path, typer.Argument(metavar="COHORT", help="Labelled exams: BraTS cases, BIDS or a manifest.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="The folder nnUNet_raw.", show_default=False)],
    dataset: Annotated[int, typer.Option("--dataset", "-d", metavar="N", help="Number of the dataset.")] = 501,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Its name.")] = "Glioma",
    channels: Channels = None,
    scheme: Annotated[str, typer.Option("--scheme", metavar="NAME", help="Label scheme wanted.")] = "brats-2023",
    source: Annotated[str, typer.Option("--from", metavar="NAME", help="Label scheme of the cohort.")] = "auto",
    labels: Annotated[bool, typer.Option("--labels", help="Train on labels rather than on regions.")] = False,
    as_json: AsJson = False,
) -> None:
    """A labelled cohort in nnU-Net's raw layout, ready for nnUNetv2_plan_and_preprocess.

    Example: glioscope export nnunet-raw cohort -o $nnUNet_raw -d 501 --name Glioma
    """
    from glioscope.cli.display import print_json
    from glioscope.workflows.export_model import export_cohort

    folder = export_cohort(
        cohort,
        out,
        dataset=dataset,
        name=name,
        channels=_listed(channels),
        scheme=scheme,
        source=source,
        regions=not labels,
        told=lambda sentence: typer.echo(sentence, err=True),
    )
    if as_json:
        print_json({"dataset": str(folder)})
        return
    typer.echo(f"Wrote '{folder}'.")


def quantise(
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="Its folder or name.", show_default=False)],
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            metavar="COHORT",
            help="Labelled exams that it did not learn from: BraTS cases, BIDS or a manifest.",
            show_default=False,
        ),
    ],
    limit: Annotated[
        float, typer.Option("--limit", metavar="DICE", help="INT8 is kept only where no region's mean Dice falls by as much.")
    ] = 0.002,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Also write the table and all exams as JSON.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a bundle's networks in INT8 on this machine from now on, if that costs no accuracy to speak of.

    A table tells Dice, HD95, seconds and memory before and after. The bundle itself stays as it is.

    Example: glioscope quantise my-bundle --data cohort --limit 0.002 -o quantised.json
    """
    from rich.console import Console
    from rich.table import Table

    from glioscope.cli.display import print_json
    from glioscope.cli.training_display import teller
    from glioscope.core.files import check_file, write_json
    from glioscope.workflows.quantise import quantise as work

    if out is not None:
        check_file(out)
    result = work(bundle, data, limit, told=teller(silent=as_json))
    if out is not None:
        write_json(out, result.document())
    if as_json:
        print_json(result.document())
        return
    rows = result.table()
    table = Table(*rows[0], pad_edge=False)
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    Console(highlight=False).print(table)
    kept = "INT8 is used from now on" if result.accepted else "Nothing changes"
    typer.echo(f"{kept}: the largest loss of Dice is {max(0.0, result.loss):.4f}, the limit {limit:g}.")


def _cell(value: object) -> str:
    return "-" if value is None else ", ".join(value) if isinstance(value, list) else str(value)


def _listed(text: str | None) -> list[str] | None:
    return [word.strip() for word in text.split(",") if word.strip()] if text else None
