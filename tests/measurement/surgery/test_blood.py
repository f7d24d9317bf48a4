"""What of an enhancing label is bright before contrast."""

from __future__ import annotations

import numpy as np
import pytest

from glioscope.core import InvalidImage
from glioscope.measurement.surgery import bright_on_t1n
from glioscope.normalisation import matched_subtraction

SHAPE = (20, 20, 10)


def test_blood_and_enhancement_are_told_apart() -> None:
    noise = np.random.default_rng(0).normal(0, 1, (2, *SHAPE))
    t1n = 100 + noise[0]
    label, blood = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    label[5:9, 5:9, 4:6] = True
    blood[5:9, 5:7, 4:6] = True  # half of it
    t1n[label & ~blood] = 90  # tumour is dark before contrast
    t1n[blood] = 160
    t1c = 2 * t1n + 30 + noise[1]
    t1c[label & ~blood] += 80
    bright, limit = bright_on_t1n(t1n, label, ~label)
    assert np.array_equal(bright, blood)
    assert 101 < limit < 104
    rescaled, _ = bright_on_t1n(7 * t1n + 3, label, ~label)
    assert np.array_equal(rescaled, blood)
    difference = matched_subtraction(t1n, t1c, ~label)
    assert np.abs(difference[blood]).mean() < 5
    assert difference[label & ~blood].min() > 20
    assert difference[~label].std() == pytest.approx(1, abs=0.3)
    assert np.allclose(matched_subtraction(5 * t1n, 3 * t1c, ~label), difference, atol=1e-3)


def test_too_little_brain_is_refused() -> None:
    label = np.ones(SHAPE, bool)
    label[:2, :2, :2] = False
    with pytest.raises(InvalidImage, match="too little brain"):
        bright_on_t1n(np.ones(SHAPE), label, ~label)
