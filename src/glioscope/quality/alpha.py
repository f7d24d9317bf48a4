"""Which alpha makes alarm counts tell the most."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glioscope.core import InputUnreadable
from glioscope.quality.alarm_calibration import AlarmCalibration

__all__ = ["ALPHAS", "AlphaRow", "ChooseBy", "alpha_table", "choose_alpha", "count_entropy", "pearson"]

ALPHAS = (-3.0, -2.0, -1.0, -0.75, -0.5, -0.25, -0.1, 0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 2.0, 3.0)
"""The values tried in table 1 of Kofler et al. 2021."""

ChooseBy = Literal["entropy", "correlation", "both"]


@dataclass(frozen=True)
class AlphaRow:
    """What one alpha makes of a cohort (a row of table 1 of Kofler et al. 2021).

    Attributes:
        entropy: Of the distribution of alarm counts, in nats.
        correlations: Pearson's r of a quality with the alarm counts: of `all` metrics and of each alone; None where one of
            the two does not vary or no quality is known.
        counts: Number of exams with 0, 1, 2 … alarms.
    """

    alpha: float
    entropy: float
    correlations: Mapping[str, float | None]
    counts: tuple[int, ...]

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        correlations = dict(self.correlations)
        return {"alpha": self.alpha, "entropy": self.entropy, "correlations": correlations, "counts": list(self.counts)}


def count_entropy(counts: ArrayLike) -> float:
    """Shannon entropy, in nats, of the shares that `counts` make."""
    found = np.asarray(counts, np.float64)
    shares = found[found > 0] / found.sum()
    return float(-(shares * np.log(shares)).sum()) + 0.0


def pearson(a: ArrayLike, b: ArrayLike) -> float | None:
    """Pearson's correlation coefficient over the pairs that are finite; None where there are under two or one is constant."""
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(np.clip(np.corrcoef(x, y)[0, 1], -1, 1))


def alpha_table(
    calibration: AlarmCalibration, quality: ArrayLike | None = None, alphas: tuple[float, ...] = ALPHAS
) -> list[AlphaRow]:
    """Entropy, correlations and alarm counts of the cohort for each alpha (table 1 of Kofler et al. 2021).

    Args:
        calibration: The cohort; its own alpha does not matter.
        quality: One value an exam in the order of `calibration.values`, the higher the better (such as the Dice of the fused
            segmentation with a reference); NaN where unknown.
        alphas: Values to try.
    """
    rows = []
    for alpha in alphas:
        tried = calibration.with_alpha(alpha)
        flags = tried.flags(tried.values)
        counts = np.bincount(flags.sum(axis=1), minlength=len(tried.keys) + 1)
        sums: dict[str, NDArray[np.intp]] = {"all": flags.sum(axis=1)}
        for metric in tried.metrics:
            sums[metric] = flags[:, [key.metric == metric for key in tried.keys]].sum(axis=1)
        r = {name: None if quality is None else pearson(total, quality) for name, total in sums.items()}
        rows.append(AlphaRow(alpha, count_entropy(counts), r, tuple(counts.tolist())))
    return rows


def choose_alpha(rows: list[AlphaRow], by: ChooseBy) -> AlphaRow:
    """The row with the highest entropy, with the strongest negative correlation, or with the best mean of both.

    For `both` the entropy is divided by its greatest possible value, so that each counts from 0 to 1. Of equal rows the one
    with the alpha nearest to 0, the default of the paper (section 2.4), is taken.

    Raises:
        InputUnreadable: a correlation is wanted and no row has one.
    """
    if by != "entropy" and all(row.correlations["all"] is None for row in rows):
        raise InputUnreadable(
            "Alpha cannot be chosen by correlation: the quality of the calibration exams is not known, or it does not vary; "
            "give references or a table of qualities, or choose by entropy."
        )

    def score(row: AlphaRow) -> float:
        r = row.correlations["all"]
        agreement = -math.inf if r is None else -r
        spread = row.entropy / math.log(len(row.counts))
        return {"entropy": spread, "correlation": agreement, "both": (spread + agreement) / 2}[by]

    return max(rows, key=lambda row: (round(score(row), 12), -abs(row.alpha), row.alpha))
