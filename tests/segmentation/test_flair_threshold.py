"""FLAIR threshold: known balls, invariances, and inputs with nothing in them."""

from __future__ import annotations

import numpy as np
import pytest

from glioscope.core import Sequence, Volume
from glioscope.segmentation import get_segmenter
from glioscope.segmentation.filters import deviation, drop_small, equalised, grown
from glioscope.segmentation.flair_threshold import _conspicuous
from tests.segmentation.phantoms import dice, phantom

FLAIR = Sequence.T2F


def test_a_bright_ball_is_found() -> None:
    images, brain, truth = phantom()
    found = get_segmenter("flair-threshold").segment({FLAIR: images[FLAIR]}, brain)
    assert dice(found.labels.data > 0, truth > 0) > 0.9
    assert set(np.unique(found.labels.data)) == {0, 2}
    assert found.labels.data.dtype == np.uint8
    probability = found.probabilities["WT"].data
    np.testing.assert_array_equal(probability > 0.5, found.labels.data > 0)
    assert probability.dtype == np.float32
    assert 0 <= probability.min() <= probability.max() <= 1
    assert found.facts["volume_ml"] == pytest.approx((found.labels.data > 0).sum() / 1000, abs=1e-3)


def test_what_is_hardly_brighter_than_the_brain_is_no_finding() -> None:
    images, brain, _ = phantom()
    texture, _, _ = phantom(lesion=False)
    segmenter = get_segmenter("flair-threshold")
    healthy = segmenter.segment({FLAIR: texture[FLAIR]}, brain)
    assert not healthy.labels.data.any()
    assert healthy.facts["volume_ml"] == 0
    assert healthy.facts["inconspicuous_ml"] > 1
    assert 0.4 < healthy.probabilities["WT"].data.max() < 0.5  # perhaps, and not surely nothing
    bright = segmenter.segment({FLAIR: images[FLAIR]}, brain)
    assert bright.facts["inconspicuous_ml"] == 0


def test_a_faint_part_is_left_out_beside_a_bright_one() -> None:
    mask = np.zeros((12, 8, 8), bool)
    mask[1:4, 2:5, 2:5] = mask[6:11, 2:7, 2:7] = True
    image = np.zeros(mask.shape, np.float32)
    image[6:9, 2:7, 2:7] = 3.0  # three of five planes of the second part: more than half of it
    image[1:4, 2:5, 2] = 3.0  # one of three planes of the first
    found = _conspicuous(mask, image, 2.0)
    np.testing.assert_array_equal(found[5:], mask[5:])
    assert not found[:5].any()


def test_a_dark_centre_is_filled() -> None:
    images, brain, truth = phantom()
    hollow = np.where(truth == 1, 100, images[FLAIR].data).astype(np.float32)
    found = get_segmenter("flair-threshold").segment({FLAIR: brain.with_data(hollow)}, brain)
    assert (found.labels.data[truth == 1] > 0).all()


@pytest.mark.parametrize("dtype", [np.int16, np.float64])
def test_number_type_changes_nothing(dtype: type) -> None:
    images, brain, _ = phantom()
    plain = get_segmenter("flair-threshold").segment({FLAIR: images[FLAIR]}, brain)
    other = get_segmenter("flair-threshold").segment({FLAIR: brain.with_data(images[FLAIR].data.astype(dtype))}, brain)
    np.testing.assert_array_equal(other.labels.data, plain.labels.data)


@pytest.mark.parametrize("factor", [1000.0, 0.001])
def test_intensity_scale_changes_nothing(factor: float) -> None:
    images, brain, _ = phantom()
    plain = get_segmenter("flair-threshold").segment({FLAIR: images[FLAIR]}, brain)
    other = get_segmenter("flair-threshold").segment({FLAIR: brain.with_data(images[FLAIR].data * factor)}, brain)
    assert (other.labels.data != plain.labels.data).sum() <= 3  # rounding beside the threshold


@pytest.mark.parametrize("axes", ["LPS", "SRA", "ALI"])
def test_orientation_changes_nothing(axes: str) -> None:
    images, brain, _ = phantom()
    plain = get_segmenter("flair-threshold").segment({FLAIR: images[FLAIR]}, brain)
    turned = get_segmenter("flair-threshold").segment({FLAIR: images[FLAIR].reoriented(axes)}, brain.reoriented(axes))
    assert turned.labels.grid.orientation == axes
    np.testing.assert_array_equal(turned.labels.reoriented("RAS").data, plain.labels.data)


def test_thick_slices_give_the_same_volume() -> None:
    _, thin_brain, _ = phantom()
    thin_images, _, thin_truth = phantom()
    images, brain, _ = phantom(spacing=(1, 1, 4))
    thin = get_segmenter("flair-threshold").segment({FLAIR: thin_images[FLAIR]}, thin_brain)
    thick = get_segmenter("flair-threshold").segment({FLAIR: images[FLAIR]}, brain)
    assert thick.facts["volume_ml"] == pytest.approx(thin.facts["volume_ml"], rel=0.12)
    assert thin.facts["volume_ml"] == pytest.approx((thin_truth > 0).sum() / 1000, rel=0.2)


def test_an_empty_brain_and_a_flat_image_give_nothing() -> None:
    images, brain, _ = phantom()
    nobody = brain.with_data(np.zeros_like(brain.data))
    found = get_segmenter("flair-threshold").segment({FLAIR: images[FLAIR]}, nobody)
    assert not found.labels.data.any()
    assert not found.probabilities["WT"].data.any()
    flat = get_segmenter("flair-threshold").segment({FLAIR: brain.with_data(np.ones(brain.grid.shape, np.float32))}, brain)
    assert not flat.labels.data.any()


def test_the_filters_by_hand() -> None:
    image = np.array([[[0, 1, 2, 3, 99]]], np.float32)
    inside = np.array([[[True, True, True, True, False]]])
    np.testing.assert_allclose(equalised(image, inside, bins=4)[0, 0], [0.25, 0.4167, 0.75, 1, 0], atol=0.35)
    assert equalised(image, inside, bins=4)[0, 0, 3] == 1
    assert np.all(np.diff(equalised(image, inside)[0, 0, :4]) > 0)
    assert deviation(np.array([1, 2, 3, 4, 100], np.float32)) == pytest.approx((3.0, 1.4826))
    line = np.array([[[1, 0, 1, 1, 0, 0, 1]]], bool)
    assert drop_small(line, 2)[0, 0].tolist() == [False, False, True, True, False, False, False]
    dot = np.zeros((5, 5, 5), bool)
    dot[2, 2, 2] = True
    assert grown(dot, np.array([1.0, 1.0, 3.0]), 2.0).sum() == 13  # in the slice alone: the next one is 3 mm away
    assert Volume.of(dot, np.eye(4)).grid.shape == (5, 5, 5)
