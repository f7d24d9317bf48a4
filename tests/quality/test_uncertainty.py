"""Entropy, mutual information and calibration, with answers worked out by hand."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from glioscope.core import InvalidImage
from glioscope.quality import binary_entropy, calibration_curve, ensemble_entropy, region_uncertainty

P = hnp.arrays(np.float32, (3, 4, 2), elements=st.floats(0, 1, width=32))


def test_entropy_in_bits() -> None:
    found = binary_entropy([0, 1, 0.5, 0.25, 0.75])
    assert found.tolist() == pytest.approx([0, 0, 1, 0.811278, 0.811278], abs=1e-6)
    assert found.dtype == np.float32


def test_two_sure_members_that_contradict_each_other() -> None:
    mean, entropy, mutual = ensemble_entropy([np.array([0.0, 1.0]), np.array([1.0, 1.0])])
    assert mean.tolist() == [0.5, 1]
    assert entropy.tolist() == [1, 0]
    assert mutual.tolist() == [1, 0]


def test_members_that_are_equally_unsure_do_not_contradict() -> None:
    _, entropy, mutual = ensemble_entropy([np.array([0.5]), np.array([0.5])])
    assert (entropy[0], mutual[0]) == (1, 0)


def test_mutual_information_of_a_quarter_and_three_quarters() -> None:
    _, entropy, mutual = ensemble_entropy([np.array([0.25]), np.array([0.75])])
    assert entropy[0] == 1
    assert mutual[0] == pytest.approx(1 - 0.811278, abs=1e-6)


@given(st.lists(P, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_members_order_and_flips(maps: list[np.ndarray], random: Random) -> None:
    first = ensemble_entropy(maps)
    shuffled = random.sample(maps, len(maps))
    for a, b in zip(first, ensemble_entropy(shuffled), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    for a, b in zip(first, ensemble_entropy(m[::-1] for m in maps), strict=True):
        np.testing.assert_array_equal(a[::-1], b)
    mean, entropy, mutual = first
    assert ((mutual >= 0) & (mutual <= entropy + 1e-6)).all()
    assert (mean >= 0).all()
    if len(maps) == 1:
        assert (mutual < 1e-6).all()


def test_means_are_of_the_region() -> None:
    """Two voxels of the region with 0 and 1 bit; one outside with 0.81 bit counts as uncertain volume alone."""
    maps = ensemble_entropy([np.array([1.0, 0.5, 0.25, 0.0])])
    found = region_uncertainty(*maps, voxel_mm3=500, members=1)
    assert found.mean_entropy == pytest.approx(0.5)
    assert found.mean_mutual_information is None
    assert (found.volume_ml, found.uncertain_ml) == (1.0, 1.0)


def test_an_empty_region_has_no_mean() -> None:
    assert region_uncertainty(*ensemble_entropy([np.zeros(3)]), 1, 1).mean_entropy is None


def test_expected_calibration_error() -> None:
    """Bins of half: (0.1, 0.3) of which none is true, gap 0.2; (0.6, 0.8, 1.0) of which two are, gap 0.8 - 2/3."""
    p, truth = np.array([0.1, 0.3, 0.6, 0.8, 1.0]), np.array([0, 0, 1, 0, 1], bool)
    curve = calibration_curve(p, truth, bins=2)
    assert curve.confidence == pytest.approx((0.2, 0.8))
    assert curve.frequency == pytest.approx((0, 2 / 3))
    assert curve.counts == (2, 3)
    assert list(curve.edges) == [(0, 0.5), (0.5, 1)]
    assert curve.expected_error == pytest.approx(0.4 * 0.2 + 0.6 * (0.8 - 2 / 3))
    assert curve.greatest_error == pytest.approx(0.2)
    assert curve.brier == pytest.approx((0.01 + 0.09 + 0.16 + 0.64 + 0) / 5)


def test_a_calibrated_map_and_an_edge() -> None:
    p = np.repeat([0.25, 0.75], 4)
    truth = np.array([1, 0, 0, 0, 1, 1, 1, 0], bool)
    assert calibration_curve(p, truth).expected_error == 0
    assert calibration_curve(np.array([0.5]), np.array([True]), bins=2).edges == ((0.5, 1.0),)
    assert calibration_curve(np.array([0.0, 1.0]), np.array([False, True])).expected_error == 0


def test_bins_of_equal_mass() -> None:
    p = np.array([0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.9, 0.95])
    curve = calibration_curve(p, p > 0.5, bins=4, kind="mass")
    assert curve.counts == (2, 2, 2, 2)
    assert calibration_curve(p, p > 0.5, bins=4).counts == (6, 2)
    assert calibration_curve(np.zeros(5), np.zeros(5, bool), kind="mass").counts == (5,)


def test_only_within() -> None:
    p, truth = np.array([0.0, 0.0, 0.5]), np.array([False, False, True])
    assert calibration_curve(p, truth).expected_error == pytest.approx(0.5 / 3)
    assert calibration_curve(p, truth, within=np.array([False, False, True])).expected_error == 0.5


@given(P, st.integers(1, 12), st.sampled_from(["width", "mass"]))
def test_the_error_is_a_share_and_counts_add_up(p: np.ndarray, bins: int, kind: str) -> None:
    truth = p > 0.4
    curve = calibration_curve(p, truth, bins=bins, kind=kind)  # type: ignore[arg-type]
    assert sum(curve.counts) == p.size
    assert 0 <= curve.expected_error <= curve.greatest_error + 1e-12
    flipped = calibration_curve(p[::-1, ::-1], truth[::-1, ::-1], bins=bins, kind=kind)  # type: ignore[arg-type]
    assert flipped.counts == curve.counts
    assert flipped.expected_error == pytest.approx(curve.expected_error)
    assert flipped.brier == pytest.approx(curve.brier)


@pytest.mark.parametrize("bad", [1.5, -0.1, math.nan])
def test_what_is_no_probability(bad: float) -> None:
    with pytest.raises(InvalidImage, match="values outside 0 to 1"):
        binary_entropy([bad])
    with pytest.raises(InvalidImage, match="values outside 0 to 1"):
        calibration_curve(np.array([bad]), np.array([True]))


def test_what_does_not_fit_together() -> None:
    with pytest.raises(InvalidImage, match="different shapes"):
        ensemble_entropy([np.zeros(2), np.zeros(3)])
    with pytest.raises(InvalidImage, match="no probability map"):
        ensemble_entropy([])
    with pytest.raises(InvalidImage, match="shape"):
        calibration_curve(np.zeros(2), np.zeros(3, bool))
    with pytest.raises(InvalidImage, match="no voxels"):
        calibration_curve(np.zeros(2), np.zeros(2, bool), within=np.zeros(2, bool))
