from __future__ import annotations

import math

import numpy as np
import pytest

from glioscope.core import InvalidImage
from glioscope.evaluation.qubiq import QUBIQ_THRESHOLDS, qubiq_score


def test_by_hand() -> None:
    reference = np.array([1 / 3, 2 / 3, 1.0, 0.0])  # three raters
    predicted = np.array([0.0, 2 / 3, 2 / 3, 0.0])

    score = qubiq_score(predicted, reference)

    # 0.0: everything, 1. 0.1-0.3: {1, 2} against {0, 1, 2}, 4/5. 0.4-0.6: {1, 2} both, 1. 0.7-0.9: {} against {2}, 0.
    assert score.dice == pytest.approx([1, 0.8, 0.8, 0.8, 1, 1, 1, 0, 0, 0])
    assert score.score == pytest.approx((1 + 3 * 0.8 + 3) / 10)


def test_an_empty_prediction_scores_exactly_a_tenth() -> None:
    reference = np.zeros((4, 5, 6))
    reference[1:3, 1:3, 1:3] = 1
    assert qubiq_score(np.zeros_like(reference), reference).score == pytest.approx(0.1)
    assert qubiq_score(np.zeros_like(reference), reference, thresholds=QUBIQ_THRESHOLDS[1:]).score == 0.0


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_three_of_ten_raters_reach_a_threshold_of_three_tenths(kind: type) -> None:
    votes = range(11)
    reached = [qubiq_score(np.array([1.0]), np.array([vote / 10], kind)).score for vote in votes]
    # vote v is at or above the thresholds 0 … v/10, at most ten of them
    assert reached == pytest.approx([min(vote + 1, 10) / 10 for vote in votes])


def test_equal_maps_score_one_and_the_order_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.integers(0, 8, (9, 7)) / 7, rng.integers(0, 8, (9, 7)) / 7

    assert qubiq_score(first, first).score == 1.0
    assert qubiq_score(np.zeros(3), np.zeros(3)).score == 1.0
    assert qubiq_score(first, second) == qubiq_score(second, first)


@pytest.mark.parametrize("bad", [np.array([0.0, 1.5]), np.array([0.0, -0.1]), np.array([0.0, math.nan]), np.zeros(3)])
def test_what_is_not_an_agreement_map_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(InvalidImage):
        qubiq_score(bad, np.zeros(2))
