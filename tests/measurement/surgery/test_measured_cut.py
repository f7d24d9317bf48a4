"""Probabilities corrected by how often they came true."""

from __future__ import annotations

import numpy as np
import pytest

from glioscope.core import InvalidImage
from glioscope.measurement.surgery import MeasuredCut, fit_measured_cut, nested_outlines


def test_the_curve_by_hand() -> None:
    nested = nested_outlines(np.array([0.9, 0.8, 0.2], np.float32), 100.0, 0.15)
    assert nested.residual == pytest.approx(0.8)  # logit: log 4
    found = MeasuredCut(-np.log(4), 0.5, 30, "30 exams").applied(nested)
    assert found.residual == pytest.approx(1 / 3)  # odds: 4 ** 0.5 / 4 = 1 / 2
    assert (found.model, found.median_ml) == ("as measured", nested.median_ml)
    assert found.document()["measured_on"] == "30 exams"


def test_certainty_is_never_told() -> None:
    for reached in (0.0, 1.0):
        nested = nested_outlines(np.full(2, reached, np.float32), 100.0, 0.15)
        assert 0 < MeasuredCut(0.0, 1.0, 30, "30 exams").applied(nested).residual < 1


def test_what_comes_true_stays_and_what_is_too_sure_is_drawn_in() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(0.02, 0.98, 4000)
    truth = rng.random(p.size) < p
    assert fit_measured_cut(p, truth) == pytest.approx((0, 1), abs=0.1)
    surer = p**3 / (p**3 + (1 - p) ** 3)  # logit times 3
    assert fit_measured_cut(surer, truth) == pytest.approx((0, 1 / 3), abs=0.06)


def test_what_knows_nothing_tells_the_share_of_all_exams() -> None:
    rng = np.random.default_rng(1)
    p, truth = rng.uniform(0, 1, 2000), np.arange(2000) % 4 == 0
    curve = MeasuredCut(*fit_measured_cut(p, truth), 2000, "exams")
    told = [curve.applied(nested_outlines(np.full(2, value, np.float32), 100.0, 0.15)).residual for value in (0.1, 0.9)]
    assert told == pytest.approx([0.25, 0.25], abs=0.06)


def test_few_exams_tell_nothing() -> None:
    with pytest.raises(InvalidImage, match="fewer than two exams"):
        fit_measured_cut([0.1, 0.5, 0.9], [False, False, True])
