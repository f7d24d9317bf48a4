"""Command that makes one mask of several: fuse."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from glioscope.cli.options import AsJson
from glioscope.core.counting import counted, were

__all__ = ["register"]

_METHODS = "majority, weighted, staple, simple, at-least, entropy; for probability maps: mean, weighted-mean, max."
_TUNE = "How the method decides"
_READ = "How the masks are read"


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(fuse)


def fuse(
    masks: Annotated[
        list[Path],
        typer.Argument(
            metavar="MASK...",
            help="One label map a rater (or …_label-REGION_probseg maps), all of one exam; or a folder of them.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="OUT", help="The NIfTI file to write.", show_default=False)],
    method: Annotated[str, typer.Option("--method", "-m", metavar="NAME", help=_METHODS)] = "simple",
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="[labels|regions]",
            help="Decide each label, or the nested regions WT, TC, ET; by default labels for majority and weighted.",
            rich_help_panel=_TUNE,
        ),
    ] = None,
    tie: Annotated[
        str,
        typer.Option("--tie", metavar="WHOSE", help="Half of the votes mean foreground or background.", rich_help_panel=_TUNE),
    ] = "foreground",
    threshold: Annotated[
        float, typer.Option("--threshold", help="simple drops raters below this share of the best Dice.", rich_help_panel=_TUNE)
    ] = 0.5,
    k: Annotated[
        int | None, typer.Option("--k", help="at-least: how many raters have to agree.", rich_help_panel=_TUNE)
    ] = None,
    prior: Annotated[
        str | None,
        typer.Option(
            "--prior",
            metavar="SHARE",
            help="staple by regions: share of the volume that is foreground, or: estimate. The raters' mean by default.",
            rich_help_panel=_TUNE,
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights",
            metavar="FILE",
            help="A file of `glioscope tune`, for weighted and weighted-mean; its thresholds and steps are applied too.",
            rich_help_panel=_TUNE,
        ),
    ] = None,
    scheme: Annotated[
        str | None,
        typer.Option(
            "--scheme", metavar="NAME", help="Label scheme of the result; that of the masks by default.", rich_help_panel=_READ
        ),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="NAME",
            help="Label scheme of the masks, or once for each, in order; by default brats-2021 is told from brats-2023.",
            rich_help_panel=_READ,
        ),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option("--rater", metavar="NAME", help="Names of the raters, in order; once for each.", rich_help_panel=_READ),
    ] = None,
    resample: Annotated[
        bool, typer.Option("--resample", help="Bring masks on another grid to the first one's.", rich_help_panel=_READ)
    ] = False,
    ignore_affine: Annotated[
        bool,
        typer.Option(
            "--ignore-affine",
            help="Go by the order of voxels where headers disagree on orientation or position.",
            rich_help_panel=_READ,
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """One mask from several raters', and how far each of them is to be trusted. A report is written beside it.

    Example: glioscope fuse a.nii.gz b.nii.gz c.nii.gz --method staple -o fused.nii.gz
    """
    from glioscope.cli.display import print_json
    from glioscope.fusion import FusionOptions
    from glioscope.workflows.fuse import fuse as work

    options = FusionOptions(by=by, tie=tie, threshold=threshold, k=k, prior=_prior(prior))
    done = work(
        masks,
        out,
        method=method,
        options=options,
        weights=weights,
        scheme=scheme,
        source=source or "auto",
        names=names or (),
        resample=resample,
        ignore_affine=ignore_affine,
    )
    if as_json:
        print_json(done.document())
    else:
        _show(done.report, done.files)


def _prior(text: str | None) -> float | str | None:
    if text is None or text == "estimate":
        return text
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"--prior is a number above 0 and below 1, or estimate, not '{text}'") from None


def _show(report: Mapping[str, Any], files: Mapping[str, Path]) -> None:
    """What was decided, region by region, and where it is."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"[bold]{report['method']}[/] of {counted(len(report['raters']), 'rater')}. [dim]{escape(report['definition'])}[/]"
    )
    for sentence in report["decided"]:
        console.print(f"  [yellow]![/] {escape(sentence)}")
    votes = report.get("votes", {})
    for region, vote in votes.items():
        if vote["dropped"]:
            console.print(f"  [cyan]·[/] {region}: dropped {escape(', '.join(vote['dropped']))}")
        if not vote["converged"]:
            console.print(f"  [yellow]![/] {region}: not settled after {counted(vote['rounds'], 'round')}")
        if split := vote["undecided_voxels"]:
            console.print(f"  [cyan]·[/] {region}: {counted(split, 'voxel')} {were(split)} split evenly")
    regions = report.get("regions", {})
    if votes:
        table = Table("Dice with the result", *regions, pad_edge=False)
        table.add_row("[bold]volume, ml[/]", *(f"[bold]{regions[r]['volume_ml']:.2f}[/]" for r in regions))
        for rater in report["raters"]:
            name = rater["name"]
            table.add_row(escape(name), *(f"{regions[r]['raters'][name]['dice']:.3f}" for r in regions))
        console.print(table)
    else:
        for region, found in regions.items():
            told = "  ".join(f"{key.replace('_ml', '').replace('_', ' ')} {value:.2f} ml" for key, value in found.items())
            console.print(f"  {escape(region):<6} {told}")
    for change in report.get("changes", ()):
        what = f"to label {change['after']}" if change["after"] else "removed"
        parts = f"{change['components']} component{'s' * (change['components'] != 1)}"
        console.print(f"  · {change['step']}: {parts} of {change['region']} {what}, {change['volume_mm3']:.0f} mm3")
    for name, path in files.items():
        console.print(f"    {name.replace('_', ' '):<18} {escape(str(path))}")
