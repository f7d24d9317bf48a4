"""Intervals of volumes made wide enough for how wrong a segmenter was on exams that it had not learnt from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["MODEST_ML", "Interval", "Widening", "needed_factor"]

Interval = tuple[float, float]

MODEST_ML = 0.2
"""Added to every volume before it is compared, in ml: below it, ratios of volumes mean little, and 0 has none."""

USUAL_PERCENT = 95


@dataclass(frozen=True)
class Widening:
    """By how much the intervals of a segmenter are widened.

    Split conformal prediction (Romano et al., Conformalized Quantile Regression, NeurIPS 2019) on the logarithm of volumes: the
    true volume of a new exam, of the kind of those measured, lies in the widened interval with at least the probability told,
    whatever the errors of the segmenter look like.

    Attributes:
        factors: Region or label -> factor, at least 1.
        exams: On how many exams it was measured.
        on: On which, as the end of a phrase that says "on".
    """

    factors: Mapping[str, float]
    exams: int
    on: str

    @property
    def percent(self) -> int:
        """How often a true volume lies in its interval, at least: 95, or as much as so few exams can tell."""
        return USUAL_PERCENT if _rank(self.exams) <= self.exams else math.floor(100 * self.exams / (self.exams + 1))

    @property
    def rule(self) -> str:
        """What was done, in a sentence."""
        factors = ", ".join(f"{name} {factor:.2f}" for name, factor in self.factors.items())
        return (
            f"Then widened on both sides by how wrong the segmenter was on {self.on} (factors: {factors}): of new exams like "
            f"these, {self.percent} % should have their true volume in the interval (conformal prediction)."
        )

    def applied(self, name: str, interval: Interval) -> Interval | None:
        """The interval (ml) of a region or label called `name`, widened; None where no factor was measured for it."""
        if name not in self.factors:
            return None
        low, high = interval
        factor = self.factors[name]
        return max(0.0, (low + MODEST_ML) / factor - MODEST_ML), (high + MODEST_ML) * factor - MODEST_ML


def needed_factor(intervals: Sequence[Interval], truths: Sequence[float]) -> float:
    """The factor by which these intervals (ml) are to be widened, at least 1; the volumes are those of the same exams.

    The conformal quantile of how far outside the truth lay: that of rank 0.95 (n + 1), or the largest of fewer than 19.
    """
    outside = sorted(
        max((low + MODEST_ML) / (truth + MODEST_ML), (truth + MODEST_ML) / (high + MODEST_ML))
        for (low, high), truth in zip(intervals, truths, strict=True)
    )
    return max(1.0, outside[min(_rank(len(outside)), len(outside)) - 1])


def _rank(count: int) -> int:
    return math.ceil(USUAL_PERCENT / 100 * (count + 1) - 1e-9)
