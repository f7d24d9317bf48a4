"""QUBIQ's score of an agreement map: Dice at ten levels of agreement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core.errors import InvalidImage

__all__ = ["QUBIQ_THRESHOLDS", "QubiqScore", "qubiq_score"]

QUBIQ_THRESHOLDS: tuple[float, ...] = tuple(level / 10 for level in range(10))
"""0.0, 0.1 … 0.9; the first marks every voxel, so that one tenth of the score is free."""

_SLACK = 1e-6


@dataclass(frozen=True)
class QubiqScore:
    """The score and what it is made of.

    Attributes:
        score: Mean of `dice`, in [0, 1].
        thresholds: Levels of agreement.
        dice: Dice at each level; 1 where both masks are empty.
    """

    score: float
    thresholds: tuple[float, ...]
    dice: tuple[float, ...]

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "score": self.score,
            "dice": {f"{level:g}": dice for level, dice in zip(self.thresholds, self.dice, strict=True)},
        }


def qubiq_score(
    predicted: NDArray[Any], reference: NDArray[Any], *, thresholds: Sequence[float] = QUBIQ_THRESHOLDS
) -> QubiqScore:
    """How well a predicted agreement map meets the agreement of the raters.

    Both maps are cut at each threshold and compared by Dice, 2 TP / (2 TP + FP + FN); the score is the mean. A voxel is above a
    threshold t where its agreement is at least t: with t = 0 among the thresholds an empty prediction scores 0.1, as the
    challenge's participants report. Levels are compared with a slack of 1e-6, since 3 of 10 raters must reach 0.3 in any
    floating-point format.

    Args:
        predicted: Fraction of raters, in [0, 1], expected to mark each voxel; any number of axes.
        reference: Fraction of raters who did, same shape.
        thresholds: Levels; drop 0.0 for the variant without the free tenth.

    Raises:
        InvalidImage: shapes differ, or a map has values outside [0, 1] or not finite.

    Source:
        QUBIQ challenge 2020/2021, as described in "Modeling Multi-annotator Uncertainty as Multi-class Segmentation Problem"
        (BrainLes 2021), evaluation metric.
    """
    if predicted.shape != reference.shape:
        raise InvalidImage(f"The agreement maps have different shapes ({predicted.shape} and {reference.shape}).")
    maps = [np.asarray(array, np.float64) for array in (predicted, reference)]
    for name, array in zip(("predicted", "reference"), maps, strict=True):
        if array.size and not (array.min() >= -_SLACK and array.max() <= 1 + _SLACK):  # NaN fails both
            raise InvalidImage(
                f"The {name} agreement map has values outside 0 to 1; give fractions of raters or probabilities."
            )
    scores = []
    for level in thresholds:
        a, b = (array >= level - _SLACK for array in maps)
        total = int(np.count_nonzero(a)) + int(np.count_nonzero(b))
        scores.append(2 * int(np.count_nonzero(a & b)) / total if total else 1.0)
    return QubiqScore(float(np.mean(scores)), tuple(float(level) for level in thresholds), tuple(scores))
