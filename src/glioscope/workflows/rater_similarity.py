"""An exam's raters against their fusion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Grid, InvalidImage, Scheme, Volume, bids_name, get_scheme
from glioscope.core.boxes import box_of
from glioscope.workflows.rater_cases import RaterCase, read_rater, stored_scheme

__all__ = ["METHODS", "Comparison", "check_comparison", "compare_raters", "known_regions", "region_masks"]

METHODS = ("majority", "simple")
"""Fusions to compare raters with; the paper uses majority for MR and SIMPLE for CT."""

_TRUTH = " reference"
"""No rater can be called so."""

Masks = dict[str, dict[str, NDArray[np.bool_]]]


@dataclass(frozen=True)
class Comparison:
    """How similarities are made; kept in a calibration, so that a new exam is treated alike.

    Attributes:
        method: One of METHODS.
        metrics: Names in `glioscope.quality.METRICS`.
        scheme: Label scheme of the files, or `auto`.
        regions: Regions to compare; those of the scheme where empty.
        pooled: Whether the mean over regions stands for each of them.
    """

    method: str = "majority"
    metrics: tuple[str, ...] = ("dice", "hausdorff")
    scheme: str = "auto"
    regions: tuple[str, ...] = ()
    pooled: bool = False

    def __post_init__(self) -> None:
        from glioscope.quality import METRICS

        unknown = [name for name in self.metrics if name not in METRICS]
        if self.method not in METHODS or unknown or not self.metrics:
            raise InvalidImage(
                f"There is no fusion '{self.method}'; known are {', '.join(METHODS)}."
                if self.method not in METHODS
                else f"There is no metric '{' '.join(unknown)}'; known are {', '.join(METRICS)}."
            )

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {**vars(self), "metrics": list(self.metrics), "regions": list(self.regions)}

    @staticmethod
    def of(settings: Mapping[str, Any]) -> Comparison:
        """The inverse of `document`."""
        usual = Comparison()
        return Comparison(
            settings.get("method", usual.method),
            tuple(settings.get("metrics", usual.metrics)),
            settings.get("scheme", usual.scheme),
            tuple(settings.get("regions", usual.regions)),
            settings.get("pooled", usual.pooled),
        )


@dataclass(frozen=True)
class Compared:
    """Similarities of one exam's raters to their fusion, and what the fusion is worth.

    Attributes:
        table: Rater -> region -> metric -> value.
        quality: Mean Dice over regions of the fusion with the reference, or None without one.
    """

    case: str
    table: Mapping[str, Mapping[str, Mapping[str, float]]]
    quality: float | None = field(default=None)


def known_regions(name: str) -> frozenset[str] | None:
    """Regions that the segmenter of this name (or of this BIDS label) can find; None where it is not a known segmenter."""
    from glioscope.segmentation import list_segmenters

    return next((frozenset(e.regions) for e in list_segmenters() if name in (e.name, bids_name(e.name))), None)


def check_comparison(cases: Iterable[RaterCase], how: Comparison) -> None:
    """See before the work whether any exam can be compared as wanted.

    Raises:
        InvalidImage: no such scheme, or no exam whose scheme has the regions.
    """
    fault: InvalidImage | None = None
    for case in cases:
        try:
            _target(case.raters, how.scheme, how.regions)
        except InvalidImage as error:
            fault = fault or error
        else:
            return
    if fault:
        raise fault


def _target(raters: Mapping[str, Path], scheme: str, regions: tuple[str, ...]) -> Scheme:
    """The numbering in which label maps are compared; raises InvalidImage where it lacks one of the regions."""
    stored = next((found.name for path in raters.values() if (found := stored_scheme(path))), "brats-2023")
    name = stored if scheme == "auto" else scheme
    target = get_scheme("brats-2023" if name == "brats-2021" else name)
    unknown = [region for region in regions if region not in target.regions]
    if unknown:
        raise InvalidImage(f"Scheme '{target.name}' has no region '{unknown[0]}'; it has {', '.join(target.regions)}.")
    return target


def region_masks(raters: Mapping[str, Path], scheme: str = "auto", regions: tuple[str, ...] = ()) -> tuple[Masks, Grid]:
    """Region -> rater -> mask, cut to the box of all marks, and the grid of that box.

    Args:
        raters: Rater -> label map; all of one grid.
        scheme: Scheme of the files, or `auto`.
        regions: Which; those of the scheme where empty. A rater is left out of regions that its segmenter does not find.

    Raises:
        InputUnreadable, InvalidImage: a file cannot be read, has unknown labels, or lies on another grid than the first.
    """
    target = _target(raters, scheme, regions)
    wanted = regions or tuple(target.regions)
    volumes = {name: read_rater(path, scheme, target) for name, path in raters.items()}
    first, *others = volumes
    for other in others:
        if not volumes[other].grid.same_as(volumes[first].grid):
            raise InvalidImage(
                f"'{raters[other].name}' and '{raters[first].name}' lie on different grids (shape, spacing, orientation or "
                "position); bring them to one grid first."
            )
    box, grid = _cropped(volumes, volumes[first].grid)
    masks: Masks = {region: {} for region in wanted}
    for name, voxels in box.items():
        known = known_regions(name)
        for region in wanted:
            if known is None or region in known:
                masks[region][name] = np.isin(voxels, target.regions[region])
    return masks, grid


def _cropped(volumes: Mapping[str, Volume], grid: Grid) -> tuple[dict[str, NDArray[Any]], Grid]:
    marked = np.logical_or.reduce([volume.data != 0 for volume in volumes.values()])
    box = box_of(marked) if marked.any() else (slice(0, 1),) * 3
    cropped = grid.cropped([s.start for s in box], [s.stop for s in box])
    return {name: np.ascontiguousarray(volume.data[box]) for name, volume in volumes.items()}, cropped


def fuse_masks(masks: Mapping[str, NDArray[np.bool_]], method: str) -> NDArray[np.bool_]:
    """The fusion of one region's masks, whatever their order."""
    from glioscope.fusion.majority import majority
    from glioscope.fusion.simple import simple
    from glioscope.fusion.votes import Votes

    votes = Votes.of([masks[name] for name in sorted(masks)])
    decide = {"majority": majority, "simple": simple}[method]
    return votes.paint(decide(votes.ballot((1,))).decided)


def compare_raters(case: RaterCase, how: Comparison) -> Compared:
    """Fuse an exam's raters region by region and compare each with the fusion.

    Raises:
        InvalidImage: fewer than two raters, or files that do not fit together.
        InputUnreadable: a file cannot be read.
    """
    from glioscope.quality import MEASURES, dice, pool_regions, similarities

    if len(case.raters) < 2:
        raise InvalidImage(f"'{case.name}' has one rater only; discord needs several label maps of one exam.")
    files = dict(case.raters) | ({_TRUTH: case.reference} if case.reference else {})
    by_region, grid = region_masks(files, how.scheme, how.regions)
    truth = {region: masks.pop(_TRUTH) for region, masks in by_region.items() if _TRUTH in masks}
    by_region = {region: masks for region, masks in by_region.items() if len(masks) > 1}
    fused = {region: fuse_masks(masks, how.method) for region, masks in by_region.items()}
    by_rater = {name: {r: masks[name] for r, masks in by_region.items() if name in masks} for name in case.raters}
    measures = {name: MEASURES[name] for name in how.metrics}
    table = similarities({name: masks for name, masks in by_rater.items() if masks}, fused, grid.spacing.tolist(), measures)
    quality = float(np.mean([dice(fused[region], truth[region]) for region in fused])) if truth and fused else None
    return Compared(case.name, pool_regions(table) if how.pooled else table, quality)
