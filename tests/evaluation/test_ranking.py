from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glioscope.core import InvalidImage
from glioscope.evaluation.ranking import higher_is_better, holm, permutation_test, rank_systems

DICE, HD95 = ("ET", "lesion_dice"), ("ET", "lesion_hd95")


def test_ranks_by_hand() -> None:
    ranking = rank_systems(
        {
            "a": {"1": {DICE: 0.9, HD95: 2.0}, "2": {DICE: 0.5, HD95: 9.0}},
            "b": {"1": {DICE: 0.8, HD95: 1.0}, "2": {DICE: 0.5, HD95: 3.0}},
            "c": {"1": {DICE: 0.7, HD95: 5.0}, "2": {DICE: None, HD95: math.nan}},
        },
        [DICE, HD95],
    )
    # case 1: Dice 1 2 3, HD95 2 1 3; case 2: Dice 1.5 1.5 3, HD95 2 1 3
    assert ranking.case_ranks == {"b": {"1": 1.5, "2": 1.25}, "a": {"1": 1.5, "2": 1.75}, "c": {"1": 3.0, "2": 3.0}}
    assert ranking.mean_ranks == {"b": 1.375, "a": 1.625, "c": 3.0}
    assert ranking.places == {"b": 1, "a": 2, "c": 3}
    assert ranking.missing == {"a": 0, "b": 0, "c": 2}
    best = ranking.permutation[0]
    assert (best.first, best.second, best.difference) == ("b", "a", -0.25)


def test_a_case_that_a_system_does_not_have_takes_the_worst_rank() -> None:
    ranking = rank_systems({"a": {"1": {DICE: 0.1}, "2": {DICE: 0.1}}, "b": {"1": {DICE: 0.9}}}, [DICE])

    assert ranking.mean_ranks == {"a": 1.5, "b": 1.5}
    assert ranking.places == {"a": 1, "b": 1}
    assert ranking.missing == {"a": 0, "b": 1}


def test_what_nobody_has_is_no_failing() -> None:
    ranking = rank_systems({"a": {"1": {DICE: 0.1}}, "b": {"1": {DICE: 0.9}}}, [DICE, HD95])
    assert ranking.missing == {"a": 0, "b": 0}
    assert ranking.mean_ranks == {"b": (1 + 1.5) / 2, "a": (2 + 1.5) / 2}


def test_a_signed_error_counts_by_its_size() -> None:
    error = ("WT", "volume_error_mm3")
    assert rank_systems({"a": {"1": {error: -50.0}}, "b": {"1": {error: 20.0}}}, [error]).places == {"b": 1, "a": 2}


def test_exact_permutation_by_hand() -> None:
    # differences 1, 2, 3: of eight sign patterns only +++ and --- reach 6
    assert permutation_test(np.array([1.0, 2.0, 3.0]), np.zeros(3)) == 2 / 8
    # 1, 1, -1, 5: |sum| is 6 or more for 5 with at least two of the ones at its side, and the mirror image
    assert permutation_test(np.array([1.0, 1.0, -1.0, 5.0]), np.zeros(4)) == 2 * 4 / 16
    assert permutation_test(np.ones(5), np.ones(5)) == 1.0


def test_drawn_and_counted_permutations_agree() -> None:
    differences = np.random.default_rng(0).normal(0.4, 1, 15)
    signs = np.array(list(itertools.product((1, -1), repeat=15)))
    exact = np.mean(np.abs(signs @ differences) >= abs(differences.sum()) - 1e-9)

    drawn = permutation_test(differences, np.zeros(15), permutations=40_000, seed=1)
    assert drawn == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 40_000))
    assert drawn == permutation_test(differences, np.zeros(15), permutations=40_000, seed=1)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=10))
def test_permutation_is_symmetric_and_a_probability(values: list[int]) -> None:
    first, second = np.array(values, float), np.zeros(len(values))
    p = permutation_test(first, second)
    assert p == permutation_test(second, first)
    assert 2 / 2 ** len(values) <= p <= 1


def test_wilcoxon_by_hand() -> None:
    cases = [str(n) for n in range(6)]
    better = {case: {DICE: 0.5 + 0.01 * (n + 1)} for n, case in enumerate(cases)}
    worse = {case: {DICE: 0.5} for case in cases}
    tests = rank_systems({"better": better, "worse": worse}, [DICE]).wilcoxon

    assert tests[0].p == pytest.approx(2 / 2**6)  # all six differences have one sign
    assert tests[0].median_difference == pytest.approx(0.035) and tests[0].cases == 6
    same = rank_systems({"x": worse, "y": dict(worse)}, [DICE])
    assert same.wilcoxon[0].p == 1.0 == same.permutation[0].p
    assert same.places == {"x": 1, "y": 1}


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]


def test_order_of_systems_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    scores = {s: {str(c): {DICE: float(rng.random())} for c in range(20)} for s in "abcd"}
    first = rank_systems(scores, [DICE])
    second = rank_systems({name: scores[name] for name in "dbca"}, [DICE])

    assert dict(first.mean_ranks) == dict(second.mean_ranks)
    assert list(first.places) == list(second.places)
    assert first.permutation == second.permutation


def test_directions_and_refusals() -> None:
    assert higher_is_better("lesion_nsd_0.5") and higher_is_better("specificity") and higher_is_better("pq")
    assert not higher_is_better("hd95") and not higher_is_better("lesion_hd95") and not higher_is_better("fp")
    for metric in ("reference_volume_mm3", "tp"):
        with pytest.raises(InvalidImage, match=metric):
            rank_systems({"a": {"1": {}}, "b": {"1": {}}}, [("ET", metric)])
    with pytest.raises(InvalidImage, match="two systems"):
        rank_systems({"a": {"1": {DICE: 1.0}}}, [DICE])
