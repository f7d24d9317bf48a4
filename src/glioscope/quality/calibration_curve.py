"""Whether probabilities mean what they say: of the voxels given 0.8, are eight in ten in the region?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InvalidImage

__all__ = ["Bins", "CalibrationCurve", "calibration_curve"]

Bins = Literal["width", "mass"]


@dataclass(frozen=True)
class CalibrationCurve:
    """A reliability diagram of one region; every tuple has one entry for each bin that holds voxels.

    Attributes:
        edges: Lower and upper probability of the bin.
        confidence: Mean probability of its voxels.
        frequency: Share of them that are in the region.
        counts: Number of voxels.
        expected_error: Expected calibration error: the mean, weighted by `counts`, of |confidence − frequency|.
        greatest_error: The largest of these.
        brier: Mean squared difference of probability and truth.
    """

    edges: tuple[tuple[float, float], ...]
    confidence: tuple[float, ...]
    frequency: tuple[float, ...]
    counts: tuple[int, ...]
    expected_error: float
    greatest_error: float
    brier: float

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        columns = zip(self.edges, self.confidence, self.frequency, self.counts, strict=True)
        names = ("from", "to", "confidence", "frequency", "voxels")
        return {
            "expected_calibration_error": self.expected_error,
            "maximum_calibration_error": self.greatest_error,
            "brier_score": self.brier,
            "bins": [dict(zip(names, (*edge, *rest), strict=True)) for edge, *rest in columns],
        }


def calibration_curve(
    probability: NDArray[np.floating],
    truth: NDArray[np.bool_],
    *,
    bins: int = 10,
    kind: Bins = "width",
    within: NDArray[np.bool_] | None = None,
) -> CalibrationCurve:
    """Reliability of a region's probability, with its expected calibration error (Naeini et al. 2015; Guo et al. 2017).

    Args:
        probability: 0 to 1, any shape.
        truth: The region in the reference, of the same shape.
        bins: Number of bins.
        kind: `width` for bins of equal width (lower edge included, 1 in the last), `mass` for bins of as equal counts as ties
            allow.
        within: Where to look, such as the brain; everywhere where None. Sure background makes any error look small.

    Raises:
        InvalidImage: shapes differ, there is nothing to look at, or values are no probabilities.
    """
    if probability.shape != truth.shape or (within is not None and within.shape != truth.shape):
        raise InvalidImage(f"The probability map has the shape {probability.shape} and the reference {truth.shape}.")
    p = np.asarray(probability if within is None else probability[within], np.float64).ravel()
    y = np.asarray(truth if within is None else truth[within]).ravel().astype(np.float64)
    if not p.size:
        raise InvalidImage("There are no voxels to calibrate on.")
    if not (p.min() >= 0 and p.max() <= 1):
        raise InvalidImage(
            "A probability map has values outside 0 to 1, or that are not numbers; give probabilities, not logits."
        )
    inner = (
        np.linspace(0, 1, bins + 1)[1:-1] if kind == "width" else np.unique(np.quantile(p, np.linspace(0, 1, bins + 1)[1:-1]))
    )
    edges = np.unique(np.concatenate([[0.0], inner, [1.0]]))
    where = np.digitize(p, edges[1:-1])
    counts = np.bincount(where, minlength=len(edges) - 1)
    used = np.flatnonzero(counts)
    confidence = np.bincount(where, p, len(edges) - 1)[used] / counts[used]
    frequency = np.bincount(where, y, len(edges) - 1)[used] / counts[used]
    gaps = np.abs(confidence - frequency)
    return CalibrationCurve(
        tuple((float(edges[i]), float(edges[i + 1])) for i in used),
        tuple(confidence.tolist()),
        tuple(frequency.tolist()),
        tuple(counts[used].tolist()),
        float((gaps * counts[used]).sum() / p.size),
        float(gaps.max()),
        float(((p - y) ** 2).mean()),
    )
