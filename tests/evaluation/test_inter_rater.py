from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from glioscope.core import InvalidImage
from glioscope.evaluation.inter_rater import inter_rater, jaccard, majority_consensus

A = np.array([1, 1, 1, 0, 0, 0], bool)
B = np.array([0, 1, 1, 1, 0, 0], bool)
C = np.array([0, 0, 1, 1, 1, 0], bool)


def test_by_hand() -> None:
    result = inter_rater({"a": A, "b": B, "c": C}, reference=A)

    # two of three mark voxels 1, 2, 3
    assert result.consensus_voxels == 3
    assert result.with_consensus == {"a": 2 / 4, "b": 1.0, "c": 2 / 4}
    assert result.with_reference == {"a": 1.0, "b": 2 / 4, "c": 1 / 5}
    assert result.pairwise == {("a", "b"): 2 / 4, ("a", "c"): 1 / 5, ("b", "c"): 2 / 4}


def test_exactly_half_is_not_a_majority() -> None:
    assert majority_consensus([A, B]).tolist() == (A & B).tolist()
    four = majority_consensus([A, A, B, C])
    assert four.tolist() == [False, True, True, False, False, False]


def test_the_rater_compared_votes_too_and_a_compared_system_does_not() -> None:
    # without b there would be no majority for voxel 1
    assert inter_rater({"a": A, "b": B, "c": C}).with_consensus["b"] == 1.0
    with_model = inter_rater({"a": A, "b": B, "c": C}, compared={"model": ~A})
    assert with_model.with_consensus == {"a": 0.5, "b": 1.0, "c": 0.5, "model": 1 / 5}
    assert with_model.consensus_voxels == 3


def test_jaccard_follows_dice() -> None:
    dice = 2 * (A & B).sum() / (A.sum() + B.sum())
    assert jaccard(A, B) == pytest.approx(dice / (2 - dice))
    assert jaccard(A & ~A, B & ~B) == 1.0
    assert jaccard(A, A & ~A) == 0.0


@given(arrays(bool, (4, 3, 2, 3)))
def test_order_of_raters_and_empty_margins_change_nothing(masks: np.ndarray) -> None:
    names = "abcd"
    plain = inter_rater(dict(zip(names, masks, strict=True)))
    padded = np.pad(masks, ((0, 0), (2, 1), (0, 3), (1, 1)))
    for order in itertools.islice(itertools.permutations(range(4)), 0, 24, 7):
        turned = inter_rater({names[i]: padded[i] for i in order})
        assert turned.with_consensus == {names[i]: plain.with_consensus[names[i]] for i in order}
        assert turned.consensus_voxels == plain.consensus_voxels


@given(arrays(bool, (3, 3, 3)), st.integers(1, 5))
def test_identical_raters_agree_wholly(mask: np.ndarray, raters: int) -> None:
    result = inter_rater({str(n): mask for n in range(raters)}, reference=mask)
    assert set(result.with_consensus.values()) == {1.0} == set(result.with_reference.values())


def test_bad_input_is_told() -> None:
    with pytest.raises(InvalidImage, match="no mask"):
        inter_rater({})
    with pytest.raises(InvalidImage, match="different shapes"):
        inter_rater({"a": A, "b": B[:3]})
    with pytest.raises(InvalidImage, match="two names"):
        inter_rater({"a": A, "b": B}, compared={"a": C})
