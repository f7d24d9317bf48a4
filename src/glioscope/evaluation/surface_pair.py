"""Distances between two surfaces both ways, of the whole region and of single lesions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from glioscope.evaluation.distances import Distances
from glioscope.evaluation.nearest import nearest
from glioscope.evaluation.surface import Surface

__all__ = ["Gap", "SurfacePair"]


@dataclass(frozen=True)
class Gap:
    """Distances both ways."""

    forth: Distances
    back: Distances

    @cached_property
    def hd95(self) -> float:
        """Larger of both directions' 95th percentiles (mm); infinite where one side is empty."""
        return self.back.hd95(self.forth.hd95())

    def nsd(self, tolerance: float) -> float:
        """Share of both surfaces' area within `tolerance` mm (Nikolov et al. 2021); 0 where one side is empty."""
        if self.forth.empty:
            return 0.0
        return (self.forth.within(tolerance) + self.back.within(tolerance)) / (self.forth.area + self.back.area)

    def averaged_nsd(self, tolerance: float) -> float:
        """Mean of both directions' shares, with the 1e-8 that the scripts of 2024 add; 0 where one side is empty."""
        if self.forth.empty:
            return 0.0
        return sum(side.within(tolerance) / side.area for side in (self.forth, self.back)) / (2.0 + 1e-8)


class SurfacePair:
    """The surfaces of a reference and a prediction, on one grid.

    Args:
        reference: Its surface.
        prediction: Its surface.
        spacing: Edge lengths of a voxel (mm).
        limit: Farther distances (mm) are not asked for.
    """

    def __init__(
        self, reference: Surface, prediction: Surface, spacing: tuple[float, float, float], limit: float = np.inf
    ) -> None:
        self._limit = limit
        self.whole = Gap(nearest(reference, prediction, spacing, limit), nearest(prediction, reference, spacing, limit))

    def lesion(self, reference: Sequence[int], prediction: Sequence[int]) -> Gap:
        """Between some lesions of the reference and some of the prediction."""
        forth = self._between(self.whole.forth, reference, prediction)
        back = self._between(self.whole.back, prediction, reference)
        # Where these lesions are all there are, what is known of the whole need not be found again.
        everything = forth is self.whole.forth and back is self.whole.back
        return self.whole if everything else Gap(forth, back)

    def _between(self, whole: Distances, lesions: Sequence[int], others: Sequence[int]) -> Distances:
        """Most points lie nearest to a lesion they are compared with; only the others are looked at again."""
        here, there = whole.source.places(lesions), whole.target.places(others)
        if len(here) == len(whole.source.points) and len(there) == len(whole.target.points):
            return whole
        source, target = whole.source.take(here), whole.target.take(there)
        ranks, owners, lengths = whole.ranks[here], whole.owners[here], whole.lengths
        stray = np.ones(int(whole.target.owners.max(initial=0)) + 1, np.bool_)
        stray[[0, *(number for number in others if number < len(stray))]] = False
        astray = np.flatnonzero(stray[owners])
        if len(astray):
            again = nearest(source.take(astray), target, whole.spacing, self._limit)
            lengths = min(lengths, again.lengths, key=len)
            ranks[astray] = again.ranks
            ranks = np.minimum(ranks, len(lengths) - 1).astype(np.uint16)
        return Distances(source, target, whole.spacing, ranks, owners, lengths)
