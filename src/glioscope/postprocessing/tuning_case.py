"""One exam to tune on: raters' region probabilities and the reference, cut to where something is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core.boxes import box_of
from glioscope.postprocessing.rater_weights import Regions

__all__ = ["LEAST_THRESHOLD", "TuningCase"]

LEAST_THRESHOLD = 0.05
"""What is less likely than this is background at every threshold that is tried."""


@dataclass(frozen=True, eq=False)
class TuningCase:
    """One exam with its reference.

    Attributes:
        id: Its name.
        raters: Rater -> region -> probabilities in [0, 1], all of the reference's shape.
        reference: 3-D label map in the scheme that is tuned for.
        spacing: Voxel edges in mm.
    """

    id: str
    raters: Mapping[str, Regions]
    reference: NDArray[np.integer[Any]]
    spacing: Sequence[float]

    @property
    def voxel_mm3(self) -> float:
        """Volume of a voxel in mm3."""
        return float(np.prod(self.spacing))

    @property
    def raters_of(self) -> dict[str, tuple[str, ...]]:
        """Region -> the raters who have probabilities of it, in the order of their names."""
        regions = sorted({region for found in self.raters.values() for region in found})
        return {region: tuple(r for r in sorted(self.raters) if region in self.raters[r]) for region in regions}

    def cropped(self, margin: int = 12) -> TuningCase:
        """The box in which a threshold can matter or the reference has a label, with `margin` voxels around it.

        No score that does not count background changes by it, as long as the score looks no further than the margin.
        """
        something = self.reference > 0
        for found in self.raters.values():
            for values in found.values():
                something |= values >= LEAST_THRESHOLD
        box = box_of(something, (margin,) * 3) if something.any() else (slice(0, 1),) * 3

        def cut(values: NDArray[Any]) -> NDArray[Any]:
            return np.ascontiguousarray(values[box])

        raters = {rater: {region: cut(v) for region, v in found.items()} for rater, found in self.raters.items()}
        return TuningCase(self.id, raters, cut(self.reference), self.spacing)
