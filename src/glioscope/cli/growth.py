"""`glioscope grow`, `grow-sweep` and `grow-score`: simulated growth of a tumour, and the score of any prediction of growth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from glioscope.cli.options import AsJson
from glioscope.core.counting import counted

__all__ = ["register"]

_MODEL, _STOP, _TISSUE = "The model", "How far, and against what", "The tissue"

Region = Annotated[str, typer.Option("--region", metavar="NAME", help="Region of the label maps, such as WT or TC.")]
Scheme = Annotated[str, typer.Option("--scheme", metavar="NAME", help="Label scheme of the maps; auto goes by their values.")]
Exclude = Annotated[
    list[Path] | None,
    typer.Option("--exclude", metavar="MASK", help="Do not compare there (cavity, earlier tumour); may be repeated."),
]
White = Annotated[Path | None, typer.Option("--white-matter", metavar="FILE", help="Probability map.", rich_help_panel=_TISSUE)]
Grey = Annotated[Path | None, typer.Option("--grey-matter", metavar="FILE", help="Probability map.", rich_help_panel=_TISSUE)]
Brain = Annotated[Path | None, typer.Option("--brain", metavar="MASK", help="Brain mask.", rich_help_panel=_TISSUE)]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("grow")(grow)
    app.command("grow-sweep")(grow_sweep)
    app.command("grow-score")(grow_score)


def _model(name: str, words: str) -> Any:  # noqa: ANN401
    return typer.Option(f"--{name}", help=words, rich_help_panel=_MODEL)


def grow(
    start: Annotated[
        str,
        typer.Argument(
            metavar="EXAM|MASK|PLACE",
            help="Folder of a prepared exam with a label map, a label map or mask, or a place: mm:X,Y,Z (world, RAS) or "
            "voxel:I,J,K.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write to.", show_default=False)],
    until_volume: Annotated[
        float | None, typer.Option("--until-volume", min=0, metavar="ML", help="Stop at this volume.", rich_help_panel=_STOP)
    ] = None,
    until_time: Annotated[
        float | None, typer.Option("--until-time", min=0, metavar="T", help="Stop at this time.", rich_help_panel=_STOP)
    ] = None,
    follow_up: Annotated[
        Path | None,
        typer.Option("--follow-up", metavar="FILE", help="Label map of a later exam to score against.", rich_help_panel=_STOP),
    ] = None,
    protocol: Annotated[
        str,
        typer.Option(
            "--protocol",
            metavar="KIND",
            help="forward: go on from the segmentation; bidirectional: fit its seed, and grow from there.",
            rich_help_panel=_STOP,
        ),
    ] = "forward",
    exclude: Exclude = None,
    rho: Annotated[float, _model("rho", "Proliferation, 1/time.")] = 0.01,
    white: Annotated[float, _model("white", "Diffusivity in white matter, mm2/time.")] = 0.1,
    grey: Annotated[float, _model("grey", "Diffusivity in grey matter, mm2/time.")] = 0.01,
    tau: Annotated[float, _model("tau", "Weight of the diffusion tensor, mm2/time.")] = 0.0,
    visible: Annotated[float, _model("visible", "Cell density that can be seen, 0 to 1.")] = 0.5,
    white_matter: White = None,
    grey_matter: Grey = None,
    brain: Brain = None,
    tensor: Annotated[
        Path | None, typer.Option("--tensor", metavar="FILE", help="Diffusion tensor, six volumes.", rich_help_panel=_TISSUE)
    ] = None,
    tensor_order: Annotated[
        str, typer.Option("--tensor-order", metavar="KIND", help="Its convention: fsl or mrtrix.", rich_help_panel=_TISSUE)
    ] = "fsl",
    on: Annotated[
        Path | None, typer.Option("--on", metavar="FILE", help="Image whose grid a place is on.", rich_help_panel=_TISSUE)
    ] = None,
    region: Region = "WT",
    scheme: Scheme = "auto",
    restarts: Annotated[int, typer.Option("--restarts", min=1, help="Searches for the seed.")] = 10,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the search's random numbers.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Grow a tumour by the reaction-diffusion model, from a place or from a segmentation.

    Writes the time at which each voxel is invaded, the density of cells at the end, a picture and growth.json; with a follow-up
    also how well the prediction ranks where the tumour went.

    Example: glioscope grow before_seg.nii.gz OUT --follow-up after_seg.nii.gz
    """
    from glioscope.cli.display import LiveProgress, print_json
    from glioscope.growth import GrowthParameters
    from glioscope.workflows import grow as workflow
    from glioscope.workflows.growth_tissue import TissueFiles
    from glioscope.workflows.progress import Progress

    if protocol not in ("forward", "bidirectional"):
        raise typer.BadParameter(f"--protocol '{protocol}' is not one of forward, bidirectional")
    found = workflow.grow(
        start,
        out,
        parameters=GrowthParameters(rho, white, grey, tau, visible),
        protocol=protocol,  # type: ignore[arg-type]
        until_volume_ml=until_volume,
        until_time=until_time,
        follow_up=follow_up,
        exclude=tuple(exclude or ()),
        region=region,
        scheme=scheme,
        tissue=TissueFiles(white_matter, grey_matter, brain, tensor, tensor_order),
        on=on,
        restarts=restarts,
        seed=seed,
        progress=Progress() if as_json else LiveProgress(),
    )
    print_json(found.document()) if as_json else _show_growth(found)


def grow_sweep(
    table: Annotated[
        Path, typer.Argument(metavar="TABLE", help="CSV or TSV: start, and any of the columns below.", show_default=False)
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write to.", show_default=False)],
    region: Region = "WT",
    scheme: Scheme = "auto",
    white_matter: White = None,
    grey_matter: Grey = None,
    brain: Brain = None,
    as_json: AsJson = False,
) -> int:
    """Grow every row of a table, and put the scores into OUT/growth.csv.

    Columns: id, start, follow_up, exclude, protocol, until_volume, until_time, rho, white, grey, tau, visible; start is needed.
    The same command goes on after an interruption.

    Example: glioscope grow-sweep rows.csv OUT
    """
    from glioscope.cli.display import LiveProgress, print_json
    from glioscope.workflows.grow_sweep import grow_sweep as workflow
    from glioscope.workflows.growth_tissue import TissueFiles
    from glioscope.workflows.progress import Progress

    found = workflow(
        table,
        out,
        region=region,
        scheme=scheme,
        tissue=TissueFiles(white_matter, grey_matter, brain),
        progress=Progress() if as_json else LiveProgress(),
    )
    if as_json:
        print_json(found.document())
    else:
        for row in found.rows:
            score = f"average precision {row['average_precision']:.3f}" if row["scored"] else f"{row['visible_ml']} ml"
            typer.echo(f"{row['id']}  {row['error'] or score}")
        typer.echo(f"{counted(len(found.rows), 'growth')} ({found.made} made now) in {found.table}")
    return 10 if any(row["error"] for row in found.rows) else 0


def grow_score(
    prediction: Annotated[
        Path, typer.Argument(metavar="PREDICTION", help="Times of invasion, infinite where never (NIfTI).", show_default=False)
    ],
    reference: Annotated[
        Path, typer.Argument(metavar="REFERENCE", help="Label map or mask of the tumour seen later.", show_default=False)
    ],
    brain: Annotated[Path, typer.Option("--brain", metavar="MASK", help="Brain mask to compare in.", show_default=False)],
    exclude: Exclude = None,
    density: Annotated[bool, typer.Option("--density", help="The prediction is a cell density, 0 to 1.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FOLDER", help="Write the agreement map and the curve here.")
    ] = None,
    region: Region = "WT",
    scheme: Scheme = "auto",
    as_json: AsJson = False,
) -> None:
    """Score a prediction of growth by any model: average precision, volume-matched Dice, agreement map.

    The order in which voxels are invaded counts, not the speed.

    Example: glioscope grow-score times.nii.gz after_seg.nii.gz --brain brain.nii.gz --exclude before_seg.nii.gz -o OUT
    """
    from glioscope.cli.display import print_json
    from glioscope.workflows import grow_score as workflow

    found = workflow.grow_score(
        prediction,
        reference,
        brain=brain,
        exclude=tuple(exclude or ()),
        density=density,
        region=region,
        scheme=scheme,
        out=out,
    )
    if as_json:
        print_json(found.document())
        return
    for remark in found.remarks:
        typer.echo(f"! {remark}")
    _show_ranking(found.ranking.document())


def _show_growth(found: Any) -> None:  # noqa: ANN401
    numbers = found.numbers
    typer.echo(f"Visible: {numbers['visible_ml']:.1f} ml at time {numbers['time']:.1f}. Cells: {numbers['cells_ml']:.1f} ml.")
    if "fit" in numbers:
        place = ", ".join(f"{v:.1f}" for v in numbers["seed"]["mm"])
        typer.echo(f"Seed at mm:{place.replace(' ', '')}. Fit to the segmentation:")
        _show_ranking(numbers["fit"])
    if "follow_up" in numbers:
        typer.echo("Against the follow-up:")
        _show_ranking(numbers["follow_up"])
    typer.echo(f"Written to {found.folder}")


def _show_ranking(numbers: dict[str, Any]) -> None:
    score, chance, dice = (numbers[name] for name in ("average_precision", "prevalence", "volume_matched_dice"))
    typer.echo(f"  average precision {score:.3f} (chance {chance:.3f}), volume-matched Dice {dice:.3f}")
    dropped, never = numbers["dropped"], numbers["never_invaded"]
    typer.echo(f"  {counted(numbers['reference'], 'voxel')} compared, {dropped} dropped, {never} never invaded")
