"""How well a prediction of growth ranks the voxels that the tumour did reach: average precision, without a clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InvalidImage

__all__ = ["RANKING_DEFINITIONS", "GrowthRanking", "rank_growth", "time_of_density"]

RANKING_DEFINITIONS = {
    "average_precision": "Sum over the distinct invasion times, from the earliest, of the gain in recall times the precision "
    "then: 1 where every voxel of the reference is invaded before any other, the prevalence where the order is chance.",
    "prevalence": "Part of the compared voxels that the reference holds; the average precision of a random order.",
    "volume_matched_dice": "Dice of reference and prediction at the time when both have as many voxels; voxels invaded at "
    "one time count in proportion when only some of them fit in.",
    "agreement": "A voxel of the reference: precision when it was invaded. Another: recall then. High means in agreement, low "
    "a voxel missed until much else was invaded, or invaded before much of the reference was.",
    "compared": "Voxels of the brain without those excluded (cavity, earlier tumour).",
    "dropped": "Voxels of the reference outside those compared.",
    "never_invaded": "Voxels of the reference compared that the prediction never reaches; they come last, all together.",
}


@dataclass(frozen=True, eq=False)
class GrowthRanking:
    """Agreement of a predicted order of invasion with where a tumour was found later.

    Attributes:
        average_precision, prevalence, volume_matched_dice: In [0, 1]; see RANKING_DEFINITIONS.
        thresholds: float64 (t,), the distinct invasion times in ascending order, +inf last where some voxels are never invaded.
        precision, recall: float64 (t,), of what has been invaded at each of them.
        agreement: float32 (X, Y, Z) in [0, 1]; 0 where nothing is compared.
        compared, reference, dropped, never_invaded: Counts of voxels.
    """

    average_precision: float
    prevalence: float
    volume_matched_dice: float
    thresholds: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    agreement: NDArray[np.float32]
    compared: int
    reference: int
    dropped: int
    never_invaded: int

    def document(self) -> dict[str, Any]:
        """The numbers, JSON-ready, without curve and map."""
        numbers = (
            "average_precision",
            "prevalence",
            "volume_matched_dice",
            "compared",
            "reference",
            "dropped",
            "never_invaded",
        )
        return {name: getattr(self, name) for name in numbers}


def time_of_density(density: NDArray[np.floating]) -> NDArray[np.float64]:
    """A density at one time as a time to invasion that ranks alike: the denser the earlier, never where it is 0."""
    return np.where(density > 0, -np.asarray(density, np.float64), np.inf)


def rank_growth(
    invasion_time: NDArray[np.floating],
    reference: NDArray[np.bool_],
    brain: NDArray[np.bool_],
    *,
    excluded: NDArray[np.bool_] | None = None,
) -> GrowthRanking:
    """Score a predicted order of invasion against the tumour seen later; how fast it was predicted to grow is of no account.

    Source: van Garderen et al., Evaluating glioma growth predictions as a forward ranking problem, BrainLes 2021, section 2.
    The average precision is that of scikit-learn for the score -T: a sum of steps, no interpolation.

    Args:
        invasion_time: (X, Y, Z), in any unit and from any origin, +inf where never; a density goes through `time_of_density`.
        reference: (X, Y, Z), the later tumour. What of it lies outside the brain, or is excluded, is dropped.
        brain: (X, Y, Z).
        excluded: (X, Y, Z), not compared: a resection cavity; the earlier tumour, where new growth alone counts.

    Raises:
        InvalidImage: shapes that differ, an invasion time that is NaN, or no voxel of the reference left.
    """
    if not invasion_time.shape == reference.shape == brain.shape == (brain.shape if excluded is None else excluded.shape):
        raise InvalidImage("The prediction, the reference and the masks lie on different grids; bring them to one first.")
    compared = np.asarray(brain, bool) if excluded is None else np.asarray(brain, bool) & ~np.asarray(excluded, bool)
    times, truth = invasion_time[compared].astype(np.float64), np.asarray(reference, bool)[compared]
    if np.isnan(times).any():
        raise InvalidImage("The predicted invasion times have voxels that are not numbers (NaN).")
    wanted = int(truth.sum())
    if not wanted:
        raise InvalidImage("No voxel of the reference is left inside the brain and outside what is excluded.")
    thresholds, group = np.unique(times, return_inverse=True)
    invaded = np.cumsum(np.bincount(group))
    found = np.cumsum(np.bincount(group, weights=truth))
    precision, recall = found / invaded, found / wanted
    agreement = np.zeros(brain.shape, np.float32)
    agreement[compared] = np.where(truth, precision[group], recall[group])
    return GrowthRanking(
        average_precision=float(np.sum(np.diff(recall, prepend=0) * precision)),
        prevalence=wanted / truth.size,
        # found grows linearly within a group: the mean over all orders of the voxels that are invaded at one time
        volume_matched_dice=float(np.interp(wanted, np.r_[0, invaded], np.r_[0, found]) / wanted),
        thresholds=thresholds,
        precision=precision,
        recall=recall,
        agreement=agreement,
        compared=truth.size,
        reference=wanted,
        dropped=int(np.asarray(reference, bool).sum()) - wanted,
        never_invaded=int((truth & np.isposinf(times)).sum()),
    )
