"""What a cohort's scores amount to: location, spread, and how sure the mean is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glioscope.evaluation.scores import CaseScores

__all__ = ["SUMMARY_DEFINITIONS", "Summary", "finite_or_none", "summarise", "summarise_cases"]

SUMMARY_DEFINITIONS = {
    "count": "Cases with a finite value.",
    "undefined": "Cases left out because the value is missing or not finite.",
    "mean": "Arithmetic mean.",
    "sd": "Standard deviation with n - 1 in the denominator; null for one case.",
    "median": "Median; the quartiles are interpolated linearly.",
    "mean_low, mean_high": "95 % bootstrap interval of the mean: percentiles of resampled cohorts, cases drawn with "
    "replacement, the same draws for every metric; null for fewer than two cases.",
}

_BLOCK = 200


@dataclass(frozen=True)
class Summary:
    """One metric over a cohort; SUMMARY_DEFINITIONS says what each number is. NaN where it is not defined."""

    count: int
    undefined: int
    mean: float
    sd: float
    median: float
    lower_quartile: float
    upper_quartile: float
    minimum: float
    maximum: float
    mean_low: float
    mean_high: float

    def document(self) -> dict[str, Any]:
        """JSON-ready values, null where not defined."""
        return {name: finite_or_none(value) for name, value in asdict(self).items()}


def finite_or_none(value: float | None) -> float | int | None:
    """`value`, or None where it is NaN or infinite, which JSON cannot say."""
    return value if value is not None and math.isfinite(value) else None


def _bootstrap_means(table: NDArray[np.float64], resamples: int, seed: int) -> NDArray[np.float64]:
    """Means of the columns in `resamples` resampled cohorts, shape (resamples, columns); cells that are NaN do not count."""
    rows = len(table)
    known = np.isfinite(table)
    filled = np.where(known, table, 0.0)
    rng = np.random.default_rng(seed)
    means = np.empty((resamples, table.shape[1]))
    for start in range(0, resamples, _BLOCK):
        size = min(_BLOCK, resamples - start)
        drawn = rng.multinomial(rows, np.full(rows, 1 / rows), size).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            means[start : start + size] = (drawn @ filled) / (drawn @ known)
    return means


def _summaries(table: NDArray[np.float64], confidence: float, resamples: int, seed: int) -> list[Summary]:
    means = _bootstrap_means(table, resamples, seed) if len(table) > 1 else np.full((1, table.shape[1]), np.nan)
    out = []
    for column, drawn in zip(table.T, means.T, strict=True):
        values = column[np.isfinite(column)]
        nan = math.nan
        if not values.size:
            out.append(Summary(0, len(column), nan, nan, nan, nan, nan, nan, nan, nan, nan))
            continue
        tails = (50 * (1 - confidence), 50 * (1 + confidence))
        low, high = np.nanpercentile(drawn, tails) if values.size > 1 else (nan, nan)
        lower, median, upper = np.percentile(values, (25, 50, 75))
        out.append(
            Summary(
                count=int(values.size),
                undefined=int(len(column) - values.size),
                mean=float(values.mean()),
                sd=float(values.std(ddof=1)) if values.size > 1 else nan,
                median=float(median),
                lower_quartile=float(lower),
                upper_quartile=float(upper),
                minimum=float(values.min()),
                maximum=float(values.max()),
                mean_low=float(low),
                mean_high=float(high),
            )
        )
    return out


def summarise(values: ArrayLike, *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0) -> Summary:
    """The summary of one metric over a cohort.

    Args:
        values: One number a case, shape (n,); NaN and infinite ones are left out and counted.
        confidence: Coverage of the percentile bootstrap interval of the mean (Efron and Tibshirani 1993, chapter 13).
        resamples: Number of resampled cohorts.
        seed: Of the draws; the same seed gives the same interval.
    """
    return _summaries(np.asarray(values, np.float64).reshape(-1, 1), confidence, resamples, seed)[0]


def summarise_cases(
    cases: Iterable[CaseScores], *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> dict[str, dict[str, Summary]]:
    """Region -> metric -> summary over `cases`, in the order in which they first appear.

    A case that lacks a metric counts as undefined in it. All metrics share the draws of the bootstrap, so that intervals of
    different metrics and regions belong to the same resampled cohorts.
    """
    listed: Sequence[CaseScores] = list(cases)
    keys = list(
        dict.fromkeys((name, metric) for case in listed for name, region in case.regions.items() for metric in region.values)
    )
    if not keys:
        return {}
    table = np.full((len(listed), len(keys)), np.nan)
    column = {key: number for number, key in enumerate(keys)}
    for row, case in enumerate(listed):
        for name, region in case.regions.items():
            for metric, value in region.values.items():
                table[row, column[name, metric]] = value
    out: dict[str, dict[str, Summary]] = {}
    for (name, metric), summary in zip(keys, _summaries(table, confidence, resamples, seed), strict=True):
        out.setdefault(name, {})[metric] = summary
    return out
