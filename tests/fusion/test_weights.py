"""Weights fitted on exams with a reference."""

from __future__ import annotations

import numpy as np
import pytest

from glioscope.core import SCHEMES, InvalidImage
from glioscope.fusion import fit_weights, fuse_labels, questions
from tests.fusion.maps import Labels, ball

SCHEME = SCHEMES["brats-2023"]


def exam(seed: int) -> tuple[list[Labels], Labels]:
    """One rater confuses much, one is right, one sees nothing."""
    rng = np.random.default_rng(seed)
    shape = (24, 22, 20)
    truth = np.zeros(shape, np.uint8)
    truth[ball(shape, (12, 11, 10), 8)] = 2
    truth[ball(shape, (12, 11, 10), 5)] = 1
    truth[ball(shape, (12, 11, 10), 3)] = 3
    noise = rng.random(shape) < 0.3
    noisy = np.where(noise, rng.integers(0, 4, shape), truth).astype(np.uint8)
    return [noisy, truth, np.zeros(shape, np.uint8)], truth


@pytest.mark.parametrize("by", ["labels", "regions"])
def test_the_good_rater_decides(by: str) -> None:
    weights = {}
    for name, values in questions(SCHEME, by).items():
        exams = [([np.isin(one, values) for one in maps], np.isin(truth, values)) for maps, truth in map(exam, range(3))]
        noisy, good, blind = weights[name] = fit_weights(exams)
        assert good == 1.0
        assert noisy + blind <= good
    maps, truth = exam(99)
    done = fuse_labels(maps, SCHEME, "weighted", by=by, weights=weights)
    np.testing.assert_array_equal(done.labels, truth)


def test_two_of_three_voxels_by_hand() -> None:
    said = [np.array([1, 1, 0, 0], bool), np.array([0, 1, 1, 0], bool), np.array([0, 0, 1, 1], bool)]
    true = np.array([1, 1, 0, 0], bool)
    first, second, third = fit_weights([(said, true)])
    assert first > third + second  # only then is the first voxel in and the third out
    assert first == 1.0


def test_equal_raters_keep_equal_weights() -> None:
    _, truth = exam(0)
    assert fit_weights([([truth > 0] * 3, truth > 0)]) == (1.0, 1.0, 1.0)
    assert fit_weights([([truth > 9] * 3, truth > 0)]) == (1.0, 1.0, 1.0)  # all are blind


def test_the_order_of_raters_changes_no_weight() -> None:
    exams = [([one == 3 for one in maps], truth == 3) for maps, truth in map(exam, range(2))]
    assert fit_weights([(said[::-1], true) for said, true in exams]) == fit_weights(exams)[::-1]


def test_weights_of_probabilities_are_for_their_threshold() -> None:
    true = np.arange(10) < 5
    bold = np.where(true, 0.6, 0.55).astype(np.float32)
    shy = np.where(true, 0.4, 0.1).astype(np.float32)
    for threshold in (0.5, 0.35):
        weight = np.array(fit_weights([([bold, shy], true)], threshold=threshold))
        mean = (np.stack([bold, shy], axis=1) @ weight) / weight.sum()
        np.testing.assert_array_equal(mean >= threshold - 1e-6, true)
    equal = np.array([0.5, 0.25], np.float32)
    assert fit_weights([([equal, equal], np.array([True, False]))], threshold=0.3) == (1.0, 1.0)


def test_faults_of_the_caller() -> None:
    with pytest.raises(InvalidImage, match="one exam or more"):
        fit_weights([])
    maps, truth = exam(0)
    with pytest.raises(InvalidImage, match="one mask of every rater"):
        fit_weights([(maps, truth), (maps[:2], truth)])
