"""Distances between two surfaces, of the whole region and of single lesions, and what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glioscope.evaluation.surface import Surface, nearest

__all__ = ["Distances", "Gap", "SurfacePair"]


@dataclass(frozen=True)
class Distances:
    """Distances (mm) from points of one surface to another surface, and the area (mm2) each point stands for."""

    distances: NDArray[np.float64]
    areas: NDArray[np.float64]

    def hd95(self) -> float:
        """95th percentile by area: the first distance at which 95 % of the area is covered; infinite without points.

        As the robust Hausdorff distance of Nikolov et al. 2021.
        """
        if not len(self.distances):
            return float("inf")
        order = np.lexsort((self.areas, self.distances))
        covered = np.cumsum(self.areas[order]) / np.sum(self.areas[order])
        place = min(int(np.searchsorted(covered, 0.95)), len(order) - 1)
        return float(self.distances[order[place]])

    def within(self, tolerance: float) -> float:
        """Area (mm2) not farther than `tolerance` mm."""
        return float(self.areas[self.distances <= tolerance].sum())


@dataclass(frozen=True)
class Gap:
    """Distances both ways."""

    forth: Distances
    back: Distances

    def hd95(self) -> float:
        """Larger of both directions' 95th percentiles (mm); infinite where one side is empty."""
        return max(self.forth.hd95(), self.back.hd95())

    def nsd(self, tolerance: float) -> float:
        """Share of both surfaces' area within `tolerance` mm (Nikolov et al. 2021); 0 where one side is empty."""
        if not len(self.forth.areas) or not len(self.back.areas):
            return 0.0
        near = self.forth.within(tolerance) + self.back.within(tolerance)
        return near / float(self.forth.areas.sum() + self.back.areas.sum())

    def averaged_nsd(self, tolerance: float) -> float:
        """Mean of both directions' shares, with the 1e-8 that the scripts of 2024 add; 0 where one side is empty."""
        if not len(self.forth.areas) or not len(self.back.areas):
            return 0.0
        return sum(side.within(tolerance) / float(side.areas.sum()) for side in (self.forth, self.back)) / (2.0 + 1e-8)


class SurfacePair:
    """The surfaces of a reference and a prediction, on one grid.

    Args:
        reference: Its surface.
        prediction: Its surface.
        spacing: Edge lengths of a voxel (mm).
        limit: Farther distances (mm) may come out infinite.
    """

    def __init__(
        self, reference: Surface, prediction: Surface, spacing: tuple[float, float, float], limit: float = np.inf
    ) -> None:
        self._spacing, self._limit = spacing, limit
        self._ways = [
            (source, target, *nearest(source, target, spacing, limit))
            for source, target in ((reference, prediction), (prediction, reference))
        ]

    def whole(self) -> Gap:
        """Between both surfaces."""
        forth, back = (Distances(distances, source.areas) for source, _, distances, _ in self._ways)
        return Gap(forth, back)

    def lesion(self, reference: Sequence[int], prediction: Sequence[int]) -> Gap:
        """Between some lesions of the reference and some of the prediction.

        Most points lie nearest to a lesion they are compared with; only the others are looked up again.
        """
        forth, back = (
            self._between(*way, *numbers)
            for way, numbers in zip(self._ways, ((reference, prediction), (prediction, reference)), strict=True)
        )
        return Gap(forth, back)

    def _between(
        self,
        source: Surface,
        target: Surface,
        distances: NDArray[np.float64],
        owners: NDArray[np.int64],
        lesions: Sequence[int],
        others: Sequence[int],
    ) -> Distances:
        places = source.places(lesions)
        found = distances[places]
        astray = np.flatnonzero(~np.isin(owners[places], others))
        if len(astray):
            goal = target.take(target.places(others))
            found[astray] = nearest(source.take(places[astray]), goal, self._spacing, self._limit)[0]
        return Distances(found, source.areas[places])
