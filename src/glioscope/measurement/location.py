"""Where a region lies: side and lobes, from atlas label maps on the same grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Grid, Scheme, Volume, region_mask

__all__ = ["BOTH_FROM_PERCENT", "Location", "Share", "halves", "lobes_of", "locate", "middle_x", "side_of"]

BOTH_FROM_PERCENT = 10.0
"""A region is on both sides when the lesser side holds at least this percentage of its volume."""


@dataclass(frozen=True)
class Share:
    """How one region is spread.

    Attributes:
        side: `left`, `right` or `both` (the patient's), None where the region is empty.
        left_percent: Of the region's volume that lies on a side at all.
        right_percent: The rest.
        lobes: Structure -> percentage of the region's volume, the largest first; `outside the atlas` for what no structure
            covers. Empty without an atlas.
    """

    side: Literal["left", "right", "both"] | None = None
    left_percent: float = 0.0
    right_percent: float = 0.0
    lobes: Mapping[str, float] | None = None

    @property
    def main_lobe(self) -> str | None:
        """The structure that holds most of the region."""
        return next((name for name in self.lobes or {} if name != _OUTSIDE), None)

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "side": self.side,
            "left_percent": round(self.left_percent, 1),
            "right_percent": round(self.right_percent, 1),
            "main_lobe": self.main_lobe,
            "lobes_percent": {name: round(share, 1) for name, share in (self.lobes or {}).items()},
        }


@dataclass(frozen=True)
class Location:
    """Region name -> share, and in one sentence each where side and lobes were read."""

    regions: Mapping[str, Share]
    side_source: str
    lobe_source: str

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "side_source": self.side_source,
            "lobe_source": self.lobe_source,
            "regions": {name: share.document() for name, share in self.regions.items()},
        }


_OUTSIDE = "outside the atlas"


def _world_x(grid: Grid, index: NDArray[np.intp]) -> NDArray[np.float64]:
    return np.asarray(index @ grid.affine[0, :3] + grid.affine[0, 3])


def middle_x(grid: Grid, brain: Volume | None) -> float:
    """World x of the brain's centre of mass, or of the grid's centre."""
    if brain is None or not brain.data.any():
        return float(grid.to_world((np.asarray(grid.shape) - 1) / 2)[0])
    mask = brain.data > 0
    centre = [np.average(np.arange(n), weights=mask.sum(axis=axes)) for n, axes in zip(mask.shape, _OTHERS, strict=True)]
    return float(grid.to_world(centre)[0])


_OTHERS = ((1, 2), (0, 2), (0, 1))


def halves(lateralisation: Volume) -> tuple[int, int]:
    """The values of the left and the right half: the one whose voxels lie farther left is left, however they are coded."""
    values = [int(v) for v in np.unique(lateralisation.data) if v]
    means = {v: middle_x(lateralisation.grid, lateralisation.with_data(lateralisation.data == v)) for v in values}
    return min(means, key=means.__getitem__), max(means, key=means.__getitem__)


def side_of(left: float, right: float) -> Share:
    """The share of a region with this much on the left and on the right, without lobes."""
    total = left + right
    if not total:
        return Share()
    left_percent = 100 * left / total
    lesser = min(left_percent, 100 - left_percent)
    side: Literal["left", "right", "both"] = "both" if lesser >= BOTH_FROM_PERCENT else "left" if left_percent > 50 else "right"
    return Share(side, left_percent, 100 - left_percent)


def locate(
    labels: Volume,
    scheme: Scheme,
    *,
    brain: Volume | None = None,
    lobes: Volume | None = None,
    lobe_names: Mapping[int, str] | None = None,
    lateralisation: Volume | None = None,
) -> Location:
    """Side and lobes of every region of a label map.

    Args:
        labels: Label map of `scheme` on the atlas grid (or, without an atlas, on any grid).
        brain: Brain mask on the same grid; its centre of mass gives the mid-plane where there is no lateralisation map.
        lobes: Atlas label map on the same grid.
        lobe_names: Value in `lobes` -> name of the structure; values that share a name are added up.
        lateralisation: Atlas label map with one value for each half, on the same grid.
    """
    index = np.argwhere(labels.data > 0)
    at = tuple(index.T)
    found = labels.data[at]
    x = _world_x(labels.grid, index)
    if lateralisation is not None:
        left_value, right_value = halves(lateralisation)
        left, right = lateralisation.data[at] == left_value, lateralisation.data[at] == right_value
        side_source = "Side: from the atlas's map of the two halves."
    else:
        middle = middle_x(labels.grid, brain)
        left, right = x < middle, x > middle
        what = "the brain mask" if brain is not None else "the field of view"
        side_source = f"Side: from the sagittal plane through the middle of {what}, without an atlas; a tilted head shifts it."
    regions = {}
    for name in scheme.regions:
        mask = region_mask(found, scheme, name)
        share = side_of(float(left[mask].sum()), float(right[mask].sum()))
        if lobes is not None and lobe_names is not None and mask.any():
            share = Share(share.side, share.left_percent, share.right_percent, lobes_of(lobes.data[at][mask], lobe_names))
        regions[name] = share
    lobe_source = "Lobes: from the atlas's map." if lobes is not None else "Lobes: not given, as there is no atlas map for it."
    return Location(regions, side_source, lobe_source)


def lobes_of(values: NDArray[Any], names: Mapping[int, str]) -> dict[str, float]:
    """Structure -> percentage of the voxels whose values in a lobe map are given, the largest first."""
    percent: dict[str, float] = {}
    for value, count in zip(*np.unique(values, return_counts=True), strict=True):
        name = names.get(int(value), _OUTSIDE)
        percent[name] = percent.get(name, 0.0) + 100 * float(count) / len(values)
    return dict(sorted(percent.items(), key=lambda item: (-item[1], item[0])))
