"""Below what a similarity raises an alarm."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["alarm_threshold", "median_and_mad"]


def median_and_mad(values: ArrayLike) -> tuple[float, float]:
    """Median and median absolute deviation (not scaled) of the finite values; NaN, NaN where there are none."""
    found = np.asarray(values, np.float64)
    found = found[np.isfinite(found)]
    if not found.size:
        return float("nan"), float("nan")
    median = float(np.median(found))
    return median, float(np.median(np.abs(found - median)))


def alarm_threshold(values: ArrayLike, alpha: float, *, higher_is_better: bool = True) -> float:
    """Median minus `alpha` times the median absolute deviation, over a cohort (Kofler et al. 2021, section 2.1).

    Of a distance the additive inverse is taken, which leaves, in the distance's own unit, median plus `alpha` times MAD; then
    what is *above* raises an alarm. Values that are not finite raise alarms and do not move the threshold.

    Args:
        values: One metric of one rater, one value an exam.
        alpha: 0 sets the threshold to the median, larger values raise fewer alarms.
        higher_is_better: False for distances.

    Returns:
        The threshold in the metric's own unit; NaN where no value is finite.
    """
    median, mad = median_and_mad(values)
    return median - alpha * mad if higher_is_better else median + alpha * mad
