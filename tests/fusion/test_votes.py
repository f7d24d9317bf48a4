"""Vote patterns: counted by hand, painted back, and the same for any number of raters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glioscope.core import InvalidImage
from glioscope.fusion import Votes, fuse_masks
from tests.fusion.maps import Labels, label_maps


def test_patterns_of_three_raters_by_hand() -> None:
    a, b, c = (np.array([row], np.uint8) for row in ([0, 1, 1, 0, 2, 0], [0, 1, 0, 0, 2, 0], [0, 1, 1, 3, 2, 0]))
    votes = Votes.of([a, b, c])
    found = dict(zip(map(tuple, votes.patterns.tolist()), votes.counts.tolist(), strict=True))
    assert found == {(0, 0, 0): 2, (1, 1, 1): 1, (1, 0, 1): 1, (0, 0, 3): 1, (2, 2, 2): 1}
    assert votes.patterns[0].tolist() == [0, 0, 0]
    ballot = votes.ballot([1, 3])
    assert votes.paint(ballot.yes.sum(axis=1)).tolist() == [[0, 3, 2, 1, 0, 0]]


def test_dice_sensitivity_and_specificity_of_raters_by_hand() -> None:
    votes = Votes.of([np.array([1, 1, 0, 0, 0], bool), np.array([0, 1, 1, 1, 0], bool)])
    ballot = votes.ballot([1])
    decided = ballot.yes[:, 1]  # as if the second were the truth: voxels 1, 2, 3
    np.testing.assert_allclose(ballot.dice(decided), [2 * 1 / (2 + 3), 1])
    sensitivity, specificity = ballot.rates(decided)
    np.testing.assert_allclose(sensitivity, [1 / 3, 1])
    np.testing.assert_allclose(specificity, [1 / 2, 1])


@given(label_maps(most=40), st.booleans())
@settings(max_examples=60)
def test_every_voxel_gets_its_own_pattern_back(maps: list[Labels], fortran: bool) -> None:
    if fortran:
        maps = [np.asfortranarray(one) for one in maps]
    votes = Votes.of(maps)
    for rater, one in enumerate(maps):
        np.testing.assert_array_equal(votes.paint(votes.patterns[:, rater]), one)
    assert votes.counts.sum() == maps[0].size
    assert len(np.unique(votes.patterns[1:], axis=0)) == len(votes.patterns) - 1
    assert votes.patterns[1:].any(axis=1).all()


def test_more_raters_than_bits() -> None:
    rng = np.random.default_rng(3)
    truth = rng.random((30, 20, 10)) < 0.3
    masks = [truth ^ (rng.random(truth.shape) < 0.1) for _ in range(150)]
    for method in ("majority", "simple", "staple"):
        np.testing.assert_array_equal(fuse_masks(masks, method).mask, truth)


@pytest.mark.parametrize(
    ("maps", "words"),
    [
        ([], "at least one mask"),
        ([np.zeros((0, 2, 2), np.uint8)], "no voxels"),
        ([np.zeros((2, 2)), np.zeros((2, 3))], "Mask 2 has the shape (2, 3), but mask 1 has (2, 2)"),
        ([np.array([0, np.nan])], "whole numbers"),
        ([np.array([0, 1.5])], "whole numbers"),
        ([np.array([0, -1])], "whole numbers"),
        ([np.array([0, 256])], "whole numbers"),
        ([np.array(["a"])], "whole numbers"),
    ],
)
def test_what_is_no_label_map_is_refused_in_a_sentence(maps: list[Labels], words: str) -> None:
    with pytest.raises(InvalidImage) as error:
        Votes.of(maps)
    assert words in str(error.value)
