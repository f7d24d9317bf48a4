"""The score of a prediction, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from glioscope.core import InvalidImage
from glioscope.growth import GrowthRanking, rank_growth, time_of_density

INF = math.inf


def row(*values: float) -> NDArray[np.float64]:
    return np.array(values, np.float64).reshape(-1, 1, 1)


def mask(*values: int) -> NDArray[np.bool_]:
    return row(*values) > 0


def ranked(times: NDArray[np.float64], truth: NDArray[np.bool_]) -> GrowthRanking:
    return rank_growth(times, truth, np.ones(times.shape, bool))


def test_five_voxels_by_hand() -> None:
    found = ranked(row(1, 2, 3, 4, 5), mask(1, 0, 1, 1, 0))
    assert found.precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3, 3 / 4, 3 / 5])
    assert found.recall.tolist() == pytest.approx([1 / 3, 1 / 3, 2 / 3, 1, 1])
    assert found.average_precision == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    assert found.volume_matched_dice == pytest.approx(2 / 3)
    assert found.prevalence == pytest.approx(3 / 5)
    assert found.agreement[:, 0, 0].tolist() == pytest.approx([1, 1 / 3, 2 / 3, 3 / 4, 1])


def test_voxels_of_one_time_come_together() -> None:
    found = ranked(row(1, 1, 2, 2, 2), mask(1, 0, 1, 0, 0))
    assert found.thresholds.tolist() == [1, 2]
    assert found.precision.tolist() == pytest.approx([1 / 2, 2 / 5])
    assert found.average_precision == pytest.approx(1 / 2 * 1 / 2 + 1 / 2 * 2 / 5)
    assert found.volume_matched_dice == pytest.approx(1 / 2)
    in_part = ranked(row(1, 2, 2, 2, 3), mask(1, 1, 0, 0, 0))
    assert in_part.volume_matched_dice == pytest.approx((1 + 1 / 3) / 2)


def test_what_is_never_invaded_comes_last() -> None:
    found = ranked(row(1, INF, INF, INF), mask(1, 1, 0, 0))
    assert found.average_precision == pytest.approx(0.5 * 1 + 0.5 * 2 / 4)
    assert found.never_invaded == 1
    assert math.isinf(found.thresholds[-1])


def test_the_brain_and_what_is_excluded_bound_the_comparison() -> None:
    times, truth = row(3, 1, 2, 4, 5), mask(1, 1, 1, 0, 1)
    found = rank_growth(times, truth, mask(1, 1, 1, 1, 0), excluded=mask(0, 1, 0, 0, 0))
    assert (found.compared, found.reference, found.dropped) == (3, 2, 2)
    assert found.average_precision == 1
    assert found.agreement[:, 0, 0].tolist() == [1, 0, 1, 1, 0]


def test_a_perfect_order_scores_1_and_no_order_the_prevalence() -> None:
    truth = mask(1, 1, 0, 0, 0)
    assert ranked(row(1, 2, 3, 4, 5), truth).average_precision == 1
    assert ranked(row(1, 2, 3, 4, 5), truth).volume_matched_dice == 1
    assert ranked(row(7, 7, 7, 7, 7), truth).average_precision == pytest.approx(2 / 5)


def test_a_density_ranks_as_the_time_it_stands_for() -> None:
    density, truth = row(0.9, 0.2, 0.4, 0, 0), mask(1, 1, 0, 0, 1)
    by_time = ranked(row(1, 3, 2, INF, INF), truth)
    assert ranked(time_of_density(density), truth).average_precision == by_time.average_precision


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=40))
def test_only_the_order_counts_and_scores_stay_in_range(voxels: list[tuple[int, bool]]) -> None:
    times, truth = row(*(t for t, _ in voxels)), mask(*(m for _, m in voxels))
    if not truth.any():
        return
    plain, bent = ranked(times, truth), ranked(np.exp(times) - 50, truth)
    assert plain.average_precision == pytest.approx(bent.average_precision)
    assert plain.volume_matched_dice == pytest.approx(bent.volume_matched_dice)
    assert 0 < plain.average_precision <= 1
    assert 0 <= plain.agreement.min() <= plain.agreement.max() <= 1
    assert plain.average_precision == pytest.approx(_by_definition(times.ravel(), truth.ravel()))


def _by_definition(times: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    total, before = 0.0, 0.0
    for t in sorted(set(times)):
        invaded = times <= t
        recall = (invaded & truth).sum() / truth.sum()
        total += (recall - before) * (invaded & truth).sum() / invaded.sum()
        before = recall
    return float(total)


def test_what_cannot_be_scored_is_told() -> None:
    with pytest.raises(InvalidImage, match="No voxel of the reference"):
        rank_growth(row(1, 2), mask(1, 0), mask(0, 1))
    with pytest.raises(InvalidImage, match="different grids"):
        rank_growth(row(1, 2), mask(1, 0, 0), mask(0, 1))
    with pytest.raises(InvalidImage, match="NaN"):
        ranked(row(1, math.nan), mask(1, 0))
