"""How probable it is that a volume reaches a cut, by a stated model of what is uncertain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core.errors import InvalidImage
from glioscope.measurement.surgery.residual import ROUNDING_ML

__all__ = ["CUT_MODELS", "CutProbability", "independent_voxels", "nested_outlines", "rater_share"]

CUT_MODELS = {
    "as measured": "Nested outlines, corrected by how often they came true on exams that the segmenter had not learnt from "
    "(Platt scaling); it is as good as those exams are like this one.",
    "nested outlines": "The true outline is one of those that the probability map has at its thresholds, each threshold from 0 "
    "to 1 as likely as another: voxels are wrong together. The volume reaches the cut with the probability of the voxel that "
    "fills it up, counted from the most probable one.",
    "raters": "k of n raters' volumes reach the cut: (k + 1/2) / (n + 1), the mean of a Beta distribution after Jeffreys' "
    "prior, which never says 0 or 1.",
    "independent voxels": "Each voxel is tumour with its probability, whatever its neighbours are (Poisson-binomial). Real "
    "errors are of whole pieces, so this claims to be surer than it is, and faint probabilities far away add up; it is told "
    "as the other extreme.",
}
"""Name -> what it says; the first that can be used is told in front."""

EXACT_VOXELS = 2000
"""Up to so many undecided voxels the Poisson-binomial is summed exactly; beyond, it is taken for normal."""


@dataclass(frozen=True)
class CutProbability:
    """That a volume reaches a cut.

    Attributes:
        model: A key of CUT_MODELS.
        residual: Probability that it does, 0 to 1.
        median_ml: Median of the volume by the model.
        low_ml, high_ml: 5th and 95th percentile; of raters the smallest and the largest.
        facts: What else the model rests on.
    """

    model: str
    residual: float
    median_ml: float
    low_ml: float
    high_ml: float
    facts: dict[str, Any]

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "model": self.model,
            "probability_residual_tumour": round(self.residual, 4),
            "probability_gross_total_resection": round(1 - self.residual, 4),
            "median_ml": round(self.median_ml, 4),
            "low_ml": round(self.low_ml, 4),
            "high_ml": round(self.high_ml, 4),
            **self.facts,
        }


def _needed(cut_ml: float, voxel_mm3: float) -> int:
    """The smallest number of voxels whose volume reaches the cut."""
    return max(0, math.ceil((cut_ml - ROUNDING_ML) * 1000 / voxel_mm3))


def _probabilities(probability: NDArray[np.floating]) -> NDArray[np.float64]:
    p = np.asarray(probability, np.float64).ravel()
    if p.size and not (p.min() >= 0 and p.max() <= 1):
        raise InvalidImage("A probability map has values outside 0 to 1.")
    return p[p > 0]


def nested_outlines(probability: NDArray[np.floating], voxel_mm3: float, cut_ml: float) -> CutProbability:
    """By the model `nested outlines`.

    A threshold U, uniform in [0, 1], cuts out the voxels with p >= U, so each voxel is tumour with its own p and all of them
    together: P(volume of n voxels or more) is the n-th largest p.

    Args:
        probability: Of the region, any shape, 0 to 1.
        voxel_mm3: Volume of a voxel.
        cut_ml: The cut.

    Raises:
        InvalidImage: values that are no probabilities.
    """
    p = _probabilities(probability)
    needed, to_ml = _needed(cut_ml, voxel_mm3), voxel_mm3 / 1000
    reached = 1.0 if needed == 0 else 0.0
    if 0 < needed <= p.size:
        reached = float(np.partition(p, p.size - needed)[p.size - needed])
    at = {level: float(np.count_nonzero(p >= level)) * to_ml for level in (0.5, 0.95, 0.05)}
    return CutProbability("nested outlines", reached, at[0.5], at[0.95], at[0.05], {})


def independent_voxels(probability: NDArray[np.floating], voxel_mm3: float, cut_ml: float) -> CutProbability:
    """By the model `independent voxels`: the number of tumour voxels is Poisson-binomial.

    Exact up to EXACT_VOXELS voxels that are neither 0 nor 1, else by the normal distribution with continuity correction.

    Args:
        probability: Of the region, any shape, 0 to 1.
        voxel_mm3: Volume of a voxel.
        cut_ml: The cut.

    Raises:
        InvalidImage: values that are no probabilities.
    """
    p = _probabilities(probability)
    sure, open_ = int((p == 1).sum()), p[p < 1]
    needed, to_ml = _needed(cut_ml, voxel_mm3) - sure, voxel_mm3 / 1000
    if open_.size <= EXACT_VOXELS:
        counts = np.ones(1)
        for value in open_:
            counts = np.append(counts * (1 - value), 0) + np.append(0, counts * value)
        reached = float(counts[max(0, needed) :].sum()) if needed <= open_.size else 0.0
        cumulative = np.cumsum(counts)
        low, median, high = (float(np.searchsorted(cumulative, q - 1e-12)) for q in (0.05, 0.5, 0.95))
    else:
        from scipy.special import ndtr

        mean, spread = float(open_.sum()), max(math.sqrt(float((open_ * (1 - open_)).sum())), 1e-12)
        reached = float(ndtr((mean - (needed - 0.5)) / spread))
        low, median, high = max(0.0, mean - 1.645 * spread), mean, mean + 1.645 * spread
    volumes = [(sure + count) * to_ml for count in (median, low, high)]
    return CutProbability("independent voxels", min(1.0, max(0.0, reached)), volumes[0], volumes[1], volumes[2], {})


def rater_share(volumes_ml: Sequence[float], cut_ml: float) -> CutProbability:
    """By the model `raters`.

    Args:
        volumes_ml: One volume a rater (a person, a model, a member of an ensemble), at least one.
        cut_ml: The cut.

    Raises:
        InvalidImage: no rater.
    """
    if not volumes_ml:
        raise InvalidImage("There is no rater whose volume could be compared with the cut.")
    volumes = np.asarray(volumes_ml, np.float64)
    reaching = int((volumes >= cut_ml - ROUNDING_ML).sum())
    facts = {"raters": len(volumes_ml), "raters_with_residual_tumour": reaching}
    share = (reaching + 0.5) / (len(volumes_ml) + 1)
    return CutProbability("raters", share, float(np.median(volumes)), float(volumes.min()), float(volumes.max()), facts)
