"""The probability that a volume reaches a cut, corrected by how often it came true where the truth is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from glioscope.core.errors import InvalidImage
from glioscope.measurement.surgery.cut_probability import CutProbability

__all__ = ["MeasuredCut", "fit_measured_cut"]

LEAST = 1e-4
"""Stated probabilities are taken for no surer than this."""

RIDGE = 0.01
"""Weight of the squared distance of the slope from 1 in the loss: what keeps few, well separated exams from certainty."""


@dataclass(frozen=True)
class MeasuredCut:
    """A logistic curve from the probability by nested outlines to how often it came true (Platt scaling; Platt, 1999).

    Attributes:
        intercept, slope: P = 1 / (1 + exp(-(intercept + slope * logit(p)))); the slope is 0 or more.
        exams: On how many exams it was measured.
        on: On which, as the end of a phrase that says "on".
    """

    intercept: float
    slope: float
    exams: int
    on: str

    def applied(self, nested: CutProbability) -> CutProbability:
        """The model `as measured`: the corrected probability, with the volumes of `nested`."""
        reached = float(expit(self.intercept + self.slope * logit(np.clip(nested.residual, LEAST, 1 - LEAST))))
        facts = {"measured_on": self.on, "intercept": self.intercept, "slope": self.slope}
        return CutProbability("as measured", reached, nested.median_ml, nested.low_ml, nested.high_ml, facts)


def fit_measured_cut(stated: ArrayLike, reached: ArrayLike) -> tuple[float, float]:
    """Intercept and slope of the curve by maximum likelihood, with Platt's targets and a slope drawn a little towards 1.

    Args:
        stated: Probability by nested outlines of each exam, 0 to 1.
        reached: Of each, whether the true volume reached the cut.

    Raises:
        InvalidImage: fewer than two exams on either side of the cut.
    """
    p, truth = np.clip(np.asarray(stated, float), LEAST, 1 - LEAST), np.asarray(reached, bool)
    there, not_there = int(truth.sum()), int((~truth).sum())
    if min(there, not_there) < 2:
        raise InvalidImage(
            "How often a probability comes true cannot be told from fewer than two exams on either side of the cut."
        )
    wanted = np.where(truth, (there + 1) / (there + 2), 1 / (not_there + 2))
    x = logit(p)

    def loss(curve: NDArray[np.float64]) -> float:
        found = curve[0] + curve[1] * x
        return float(np.mean(np.logaddexp(0, found) - wanted * found) + RIDGE * (curve[1] - 1) ** 2)

    found = minimize(loss, np.array([0.0, 1.0]), bounds=[(None, None), (0, None)], method="L-BFGS-B").x
    return float(found[0]), float(found[1])
