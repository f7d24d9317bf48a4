"""Commands that bring models in and out: import-model, export onnx, export nnunet-raw."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glioscope.cli.options import AsJson

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
    members = f", {len(bundle.files)} networks" if bundle.files else ""
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


def _listed(text: str | None) -> list[str] | None:
    return [word.strip() for word in text.split(",") if word.strip()] if text else None
