"""The probability of either side of the cut, by hand and against every outcome counted one by one."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from glioscope.core import InvalidImage
from glioscope.measurement.surgery import independent_voxels, nested_outlines, rater_share

SHARES = st.lists(st.integers(0, 20).map(lambda n: n / 20), min_size=1, max_size=9).map(np.array)


def test_nested_outlines_by_hand() -> None:
    p = np.array([0.9, 0.2, 0.6, 0.0, 0.97, 0.04])
    found = nested_outlines(p, voxel_mm3=100.0, cut_ml=0.3)  # three voxels are needed: the third most probable is 0.6
    assert found.residual == 0.6
    assert (found.low_ml, found.median_ml, found.high_ml) == pytest.approx((0.1, 0.3, 0.4))
    assert nested_outlines(p, 100.0, 0.301).residual == 0.2  # a fourth is needed
    assert nested_outlines(p, 100.0, 0.7).residual == 0.0  # more than there are
    assert nested_outlines(np.zeros(5), 1.0, 0.175).residual == 0.0


def test_independent_voxels_by_hand() -> None:
    found = independent_voxels(np.array([1.0, 0.5, 0.5, 0.0]), voxel_mm3=100.0, cut_ml=0.2)  # one sure, one of two more
    assert found.residual == pytest.approx(0.75)
    assert (found.low_ml, found.median_ml, found.high_ml) == pytest.approx((0.1, 0.2, 0.3))
    assert independent_voxels(np.ones(3), 100.0, 0.3).residual == 1.0
    assert independent_voxels(np.ones(3), 100.0, 0.4).residual == 0.0


@given(SHARES, st.integers(1, 10))
def test_both_models_keep_every_voxels_probability(p: NDArray[np.float64], needed: int) -> None:
    """Counted over all outcomes (independent) and over thresholds in the middle of each step (nested)."""
    cut = needed / 1000
    outcomes = itertools.product((0, 1), repeat=len(p))
    chance = sum(
        math.prod(q if bit else 1 - q for q, bit in zip(p, bits, strict=True)) for bits in outcomes if sum(bits) >= needed
    )
    assert independent_voxels(p, 1.0, cut).residual == pytest.approx(chance, abs=1e-12)
    thresholds = (np.arange(20) + 0.5) / 20
    share = np.mean([(p >= t).sum() >= needed for t in thresholds])
    assert nested_outlines(p, 1.0, cut).residual == pytest.approx(share)


@given(SHARES, st.permutations(range(9)))
def test_order_and_place_change_nothing(p: NDArray[np.float64], order: list[int]) -> None:
    moved = np.zeros((3, 9))
    moved[1, [n for n in order if n < len(p)]] = p
    for model in (nested_outlines, independent_voxels):
        assert model(moved, 2.0, 0.004).residual == pytest.approx(model(p, 2.0, 0.004).residual)


def test_many_voxels_are_taken_for_normal() -> None:
    p = np.full(4000, 0.3)
    exact = independent_voxels(p[:2000], 1.0, 0.6).residual
    assert exact == pytest.approx(0.507, abs=0.003)  # just above the median
    assert independent_voxels(p, 1.0, 1.2).residual == pytest.approx(0.5 + 0.5 / math.sqrt(2 * math.pi * 840), abs=1e-3)
    assert independent_voxels(p, 1.0, 1.0).residual > 0.999 and independent_voxels(p, 1.0, 1.4).residual < 0.001


def test_faint_probabilities_far_away_do_not_add_up_in_nested_outlines() -> None:
    p = np.full(400_000, 0.001)  # 0.4 ml expected where nothing is
    assert nested_outlines(p, 1.0, 0.175).residual == pytest.approx(0.001)
    assert independent_voxels(p, 1.0, 0.175).residual > 0.999


@pytest.mark.parametrize(
    ("volumes", "chance"), [([0.0], 0.25), ([1.0], 0.75), ([0.1, 0.175, 0.2], 2.5 / 4), ([1.0] * 8, 8.5 / 9)]
)
def test_raters_by_hand(volumes: list[float], chance: float) -> None:
    found = rater_share(volumes, 0.175)
    assert found.residual == pytest.approx(chance)
    assert (found.low_ml, found.high_ml) == (min(volumes), max(volumes))


def test_what_is_no_probability_is_refused() -> None:
    for bad in ([1.2], [-0.1], [math.nan]):
        with pytest.raises(InvalidImage, match="outside 0 to 1"):
            nested_outlines(np.array(bad), 1.0, 0.175)
    with pytest.raises(InvalidImage, match="no rater"):
        rater_share([], 0.175)
