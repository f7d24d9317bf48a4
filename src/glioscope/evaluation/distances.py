"""Distances of the points of one surface to another, and what is made of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from glioscope.evaluation.far_distances import far_percentile, look_up
from glioscope.evaluation.surface import Surface

__all__ = ["SHARE", "Distances", "percentile"]

SHARE = 0.95
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Distances:
    """How far the points of a surface are from another.

    Attributes:
        source: N points.
        target: The other surface.
        spacing: Edge lengths of a voxel (mm).
        ranks: (N,) place of each distance in `lengths`.
        owners: (N,) owner of the target's point that is nearest; 0 for the far points.
        lengths: Ascending (mm). The last is no distance but the least that the far points, which have this rank, have.
    """

    source: Surface
    target: Surface
    spacing: tuple[float, float, float]
    ranks: NDArray[np.uint16]
    owners: NDArray[np.int64]
    lengths: NDArray[np.float64]

    @property
    def area(self) -> float:
        """Of the source (mm2)."""
        return float(self._covered[-1])

    @property
    def empty(self) -> bool:
        """Whether one of the surfaces has no points."""
        return not (len(self.source.points) and len(self.target.points))

    @cached_property
    def _covered(self) -> NDArray[np.float64]:
        """Area (mm2) of the points up to each rank."""
        return np.cumsum(np.bincount(self.ranks, weights=self.source.areas, minlength=len(self.lengths)))

    def hd95(self, least: float = 0.0) -> float:
        """First distance (mm) at which 95 % of the area is covered, or `least` where that is more; infinite where one is empty.

        As the robust Hausdorff distance of Nikolov et al. 2021. Distances of far points are found as far as they matter.
        """
        if self.empty:
            return float("inf")
        goal = SHARE * self.area
        if np.abs(self._covered - goal).min() > _ROUNDING * self.area:
            rank = int(np.searchsorted(self._covered, goal))
            if rank < len(self.lengths) - 1:
                return max(least, float(self.lengths[rank]))
            near = float(self._covered[-2]) if rank else 0.0
            far = far_percentile(self._far, self.target, self.spacing, goal - near, least)
            if far is not None:
                return far
        return max(least, percentile(self.values, self.source.areas))

    def within(self, tolerance: float) -> float:
        """Area (mm2) not farther than `tolerance` mm."""
        if tolerance >= self.lengths[-1]:
            return float(self.source.areas[self.values <= tolerance].sum())
        rank = int(np.searchsorted(self.lengths, tolerance, side="right"))
        return float(self._covered[rank - 1]) if rank else 0.0

    @property
    def _far(self) -> Surface:
        return self.source.take(self.ranks == len(self.lengths) - 1)

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """(N,) every distance (mm)."""
        values = self.lengths[self.ranks]
        values[self.ranks == len(self.lengths) - 1] = look_up(self._far, self.target, self.spacing)
        return values


def percentile(distances: NDArray[np.float64], areas: NDArray[np.float64]) -> float:
    """First of the distances at which 95 % of the area is covered, summed in the order of the published code.

    Where an area of exactly 95 % ends at a distance, it is rounding that decides between this one and the next.
    """
    order = np.lexsort((areas, distances))
    covered = np.cumsum(areas[order]) / np.sum(areas[order])
    return float(distances[order[min(int(np.searchsorted(covered, SHARE)), len(order) - 1)]])
