"""Blood is as bright before contrast as after it."""

from __future__ import annotations

import numpy as np
import pytest

from glioscope.segmentation.unenhanced import unenhanced

SHAPE = (20, 20, 20)


@pytest.fixture
def images() -> tuple[np.ndarray, np.ndarray]:
    """T1 before and after contrast, on scales of their own, with noise."""
    rng = np.random.default_rng(0)
    tissue = rng.normal(100, 10, SHAPE)
    return tissue + rng.normal(0, 1, SHAPE), 3 * tissue + 40 + rng.normal(0, 3, SHAPE)


@pytest.mark.parametrize("scale", [1.0, 250.0])
def test_what_contrast_has_not_made_brighter_does_not_enhance(images: tuple[np.ndarray, np.ndarray], scale: float) -> None:
    t1n, t1c = (image.copy() for image in images)
    blood, tumour = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    blood[4:8, 4:8, 4:8], tumour[12:16, 12:16, 12:16] = True, True
    t1n[blood], t1c[blood] = 180, 3 * 180 + 40
    t1c[tumour] += 100
    found = unenhanced(blood | tumour, blood | tumour, t1n * scale, t1c, np.ones(SHAPE, bool))
    np.testing.assert_array_equal(found, blood)


def test_too_little_brain_to_compare_with_decides_nothing(images: tuple[np.ndarray, np.ndarray]) -> None:
    everything = np.ones(SHAPE, bool)
    assert not unenhanced(everything, everything, *images, everything).any()
    assert not unenhanced(~everything, ~everything, *images, everything).any()
