"""Several systems on the same cases: ranks as in the BraTS challenges, and whether the differences mean anything."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core.errors import InvalidImage
from glioscope.evaluation.statistics import finite_or_none

__all__ = ["RANKING_DEFINITIONS", "MetricTest", "PairTest", "Ranking", "higher_is_better", "permutation_test", "rank_systems"]

RANKING_DEFINITIONS = {
    "mean_rank": "Systems are ranked in every case, region and metric (1 is best, ties share the mean of their ranks); a "
    "case's rank is the mean over its regions and metrics, and mean_rank the mean over cases.",
    "place": "1 for the lowest mean_rank; equal mean_ranks share the better place.",
    "missing": "Values that a system lacks, or that are not finite, where another has one; they take the worst rank there.",
    "permutation": "Two-sided test that two systems are interchangeable: in each case their ranks are swapped at random, and "
    "p is the share of permutations whose mean difference in rank is at least the one observed (all of them for up to 14 cases "
    "that differ, else (1 + hits) / (1 + draws)).",
    "volume_error": "Systems are ranked and compared by its size, whatever its sign.",
    "wilcoxon": "Two-sided paired signed-rank test of one metric in one region over the cases both systems have; equal values "
    "are dropped, p = 1 where all are equal.",
    "p_holm": "p after Holm's step-down correction over all tests of the same table.",
}

_HIGHER = ("dice", "nsd", "sensitivity", "specificity", "precision", "jaccard", "pq", "sq", "rq")
_LOWER = ("hd95", "fp", "fn", "volume_error")
EXACT_UP_TO = 14
_BLOCK = 1000

Scores = Mapping[str, Mapping[str, Mapping[tuple[str, str], float | None]]]


@dataclass(frozen=True)
class PairTest:
    """Two systems by their ranks: mean rank of `first` minus that of `second` (negative: first is better), and its p."""

    first: str
    second: str
    difference: float
    p: float
    p_holm: float


@dataclass(frozen=True)
class MetricTest:
    """Two systems by one metric in one region: median of first minus second over `cases` pairs, and Wilcoxon's p."""

    first: str
    second: str
    region: str
    metric: str
    median_difference: float
    cases: int
    p: float
    p_holm: float


@dataclass(frozen=True)
class Ranking:
    """Systems from best to worst.

    Attributes:
        places: System -> place, best first.
        mean_ranks: System -> mean rank over cases, in [1, number of systems].
        case_ranks: System -> case -> rank in that case.
        missing: System -> number of values that took the worst rank because the system has none.
        permutation: Every pair of systems.
        wilcoxon: Every pair of systems in every region and metric.
    """

    places: Mapping[str, int]
    mean_ranks: Mapping[str, float]
    case_ranks: Mapping[str, Mapping[str, float]]
    missing: Mapping[str, int]
    permutation: tuple[PairTest, ...]
    wilcoxon: tuple[MetricTest, ...]

    def document(self) -> dict[str, Any]:
        """JSON-ready values, with the definitions."""
        systems = [
            {
                "system": name,
                "place": place,
                "mean_rank": self.mean_ranks[name],
                "missing": self.missing[name],
                "case_ranks": dict(self.case_ranks[name]),
            }
            for name, place in self.places.items()
        ]
        wilcoxon = [vars(test) | {"median_difference": finite_or_none(test.median_difference)} for test in self.wilcoxon]
        return {
            "definitions": RANKING_DEFINITIONS,
            "systems": systems,
            "permutation": [dict(vars(test)) for test in self.permutation],
            "volume_error": "Systems are ranked and compared by its size, whatever its sign.",
            "wilcoxon": wilcoxon,
        }


def higher_is_better(metric: str) -> bool:
    """Whether a larger value of `metric` is better; raises InvalidImage for one that says nothing about quality."""
    name = metric.removeprefix("lesion_")
    if name.startswith(_HIGHER):
        return True
    if name.startswith(_LOWER):
        return False
    raise InvalidImage(f"Systems cannot be ranked by '{metric}': it is not a score of which more, or less, is better.")


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values (Scandinavian Journal of Statistics 6, 1979), in the given order."""
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def permutation_test(
    first: NDArray[np.float64], second: NDArray[np.float64], *, permutations: int = 10_000, seed: int = 0
) -> float:
    """Two-sided p of a paired permutation test of the mean difference.

    Args:
        first, second: One value a case, shape (n,), same cases in the same order.
        permutations: Random draws, where more than 14 cases differ; fewer are counted out exactly.
        seed: Of the draws.
    """
    differences = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    differences = differences[differences != 0]
    if not differences.size:
        return 1.0
    observed = abs(differences.sum()) - 1e-9 * np.abs(differences).sum()  # sums in another order differ by rounding
    if differences.size <= EXACT_UP_TO:
        signs = np.array(list(product((1.0, -1.0), repeat=differences.size)))
        return float(np.mean(np.abs(signs @ differences) >= observed))
    rng = np.random.default_rng(seed)
    hits = 0
    for start in range(0, permutations, _BLOCK):
        kept = rng.integers(0, 2, (min(_BLOCK, permutations - start), differences.size), np.uint8)
        sums = 2 * (kept @ differences) - differences.sum()
        hits += int(np.count_nonzero(np.abs(sums) >= observed))
    return (1 + hits) / (1 + permutations)


def _wilcoxon(differences: NDArray[np.float64]) -> float:
    from scipy.stats import wilcoxon

    if not np.any(differences):
        return 1.0
    return float(wilcoxon(differences, zero_method="wilcox", alternative="two-sided").pvalue)


def _array(scores: Scores, cases: Sequence[str], quantities: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
    """Values of shape (systems, cases, quantities); NaN where a system has none or not a finite one."""
    out = np.full((len(scores), len(cases), len(quantities)), np.nan)
    for s, by_case in enumerate(scores.values()):
        for c, case in enumerate(cases):
            values = by_case.get(case, {})
            for q, quantity in enumerate(quantities):
                value = values.get(quantity)
                if value is not None and math.isfinite(value):
                    out[s, c, q] = abs(value) if quantity[1].startswith("volume_error") else value
    return out


def rank_systems(
    scores: Scores, quantities: Sequence[tuple[str, str]], *, permutations: int = 10_000, seed: int = 0
) -> Ranking:
    """Rank systems as the BraTS challenges do, and test the differences.

    Args:
        scores: System -> case -> (region, metric) -> value; all cases that any system has take part.
        quantities: The (region, metric) pairs to rank by, each with one vote.
        permutations: Draws of the permutation test.
        seed: Of the draws.

    Raises:
        InvalidImage: fewer than two systems, no cases, no quantities, or a metric that cannot rank.

    Source: Bakas et al., arXiv 1811.02629, section on ranking; tests paired by case.
    """
    from scipy.stats import rankdata

    names = list(scores)
    cases = sorted({case for by_case in scores.values() for case in by_case})
    if len(names) < 2 or not cases or not quantities:
        raise InvalidImage("A ranking needs at least two systems, one case and one metric.")
    values = _array(scores, cases, quantities)
    sign = np.array([-1.0 if higher_is_better(metric) else 1.0 for _, metric in quantities])
    costs = np.where(np.isnan(values), np.inf, np.round(values * sign, 12))
    ranks = np.asarray(rankdata(costs, axis=0))
    by_case = ranks.mean(axis=2)
    means = by_case.mean(axis=1)
    order = sorted(range(len(names)), key=lambda s: (round(float(means[s]), 9), s))
    best = {s: 1 + sum(round(float(m), 9) < round(float(means[s]), 9) for m in means) for s in order}

    pairs = [(a, b) for a, b in combinations(order, 2)]
    p_ranks = [permutation_test(by_case[a], by_case[b], permutations=permutations, seed=seed) for a, b in pairs]
    permutation = tuple(
        PairTest(names[a], names[b], float(means[a] - means[b]), p, adjusted)
        for (a, b), p, adjusted in zip(pairs, p_ranks, holm(p_ranks), strict=True)
    )
    known = np.isfinite(values)
    lacking = (~known & known.any(axis=0)).sum(axis=(1, 2))  # a value that nobody has is not one system's failing
    rows = []
    for (a, b), (q, (region, metric)) in product(pairs, enumerate(quantities)):
        both = values[a, :, q] - values[b, :, q]
        both = np.round(both[np.isfinite(both)], 12)
        median = float(np.median(both)) if both.size else math.nan
        rows.append((names[a], names[b], region, metric, median, int(both.size), _wilcoxon(both)))
    adjusted = holm([row[-1] for row in rows])
    return Ranking(
        places={names[s]: best[s] for s in order},
        mean_ranks={names[s]: float(means[s]) for s in order},
        case_ranks={names[s]: dict(zip(cases, by_case[s].tolist(), strict=True)) for s in order},
        missing={names[s]: int(lacking[s]) for s in order},
        permutation=permutation,
        wilcoxon=tuple(MetricTest(*row, holm_p) for row, holm_p in zip(rows, adjusted, strict=True)),
    )
