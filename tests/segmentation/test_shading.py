"""Shading: a known field is removed, a large lesion is not, and what has no logarithm is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from glioscope.core import Sequence
from glioscope.segmentation import get_segmenter
from glioscope.segmentation.shading import without_shading
from tests.segmentation.phantoms import N, dice, phantom

SPACING = np.ones(3)


def _field() -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Brightest at one end of the third axis, 2.7 times the other, with a curve along the second."""
    _, y, z = np.indices((N, N, N)) / (N / 2) - 1
    return np.asarray(np.exp(0.5 * z + 0.3 * y**2))


@pytest.mark.parametrize("lesion", [False, True])
def test_a_smooth_field_is_removed(lesion: bool) -> None:
    images, brain, truth = phantom(lesion=lesion)
    inside = brain.data
    flair = images[Sequence.T2F].data
    found = without_shading(flair * _field(), inside, SPACING)
    left = (found / np.maximum(flair, 1))[inside & (truth == 0)]
    assert left.std() / left.mean() < 0.02
    if lesion:
        kept = found[truth == 2].mean() / found[inside & (truth == 0)].mean()
        assert kept == pytest.approx(flair[truth == 2].mean() / flair[inside & (truth == 0)].mean(), rel=0.03)


def test_a_shaded_flair_gives_the_same_tumour() -> None:
    images, brain, truth = phantom()
    shaded = brain.with_data(images[Sequence.T2F].data * _field())
    found = get_segmenter("flair-threshold").segment({Sequence.T2F: shaded}, brain)
    assert dice(found.labels.data > 0, truth > 0) > 0.9


def test_a_normalised_image_is_left_alone() -> None:
    images, brain, _ = phantom()
    flair = (images[Sequence.T2F].data - 150) / 20
    np.testing.assert_array_equal(without_shading(flair, brain.data, SPACING), flair.astype(np.float32))
