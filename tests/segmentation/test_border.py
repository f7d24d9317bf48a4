"""Borders: steps computed by hand, shading that has none, and what a network is not believed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import Sequence
from glioscope.segmentation import get_segmenter
from glioscope.segmentation.border import borderless_parts, step_at_border
from glioscope.segmentation.dismissal import dismissed_parts
from tests.segmentation.phantoms import distance, phantom

ONE = np.ones(3)
SIZE = (40, 40, 40)


def ball(x: float, y: float, z: float, radius: float) -> NDArray[np.bool_]:
    apart = np.indices(SIZE) - np.array([x, y, z])[:, None, None, None]
    return np.asarray((apart**2).sum(axis=0) <= radius**2)


def test_a_step_is_measured_beyond_the_blurred_rim() -> None:
    part = ball(20, 20, 20, 6)
    image = np.where(part, 150.0, 100.0)
    image[ball(20, 20, 20, 10) & ~part] = 120.0  # of what lies from 2 to 6 mm away, a little less than half
    image[~ball(20, 20, 20, 13)] = 10.0  # beyond 6 mm
    assert step_at_border(part, image, ~part, ONE) == pytest.approx(0.5)
    assert step_at_border(part, image * 7, ~part, ONE) == pytest.approx(0.5)
    assert step_at_border(part[:, :, ::2], image[:, :, ::2], ~part[:, :, ::2], np.array([1.0, 1.0, 2.0])) == pytest.approx(0.5)


def test_nothing_around_is_no_reason_to_dismiss() -> None:
    part = ball(20, 20, 20, 6)
    image = np.full(SIZE, 100.0)
    assert step_at_border(part, image, np.zeros_like(part), ONE) == np.inf
    assert not borderless_parts(part, image, np.zeros_like(part), ONE).any()
    assert step_at_border(part, image - 100, ~part, ONE) == np.inf  # z-scored: no ratio


def test_the_bright_end_of_a_ramp_has_no_border_and_a_ball_has() -> None:
    ramp = 100 + 60 * np.indices(SIZE)[0] / 40  # 1.5 a millimetre: what lies above 145 is 153 against 139, 10 % more
    end, lesion = np.indices(SIZE)[0] > 30, ball(12, 20, 20, 6)
    image = np.where(lesion, 1.3 * ramp, ramp)
    found = borderless_parts(end | lesion, image, np.ones(SIZE, bool), ONE)
    np.testing.assert_array_equal(found, end)


@pytest.mark.parametrize(("contrast", "is_one"), [(0.08, False), (0.2, True)])
def test_flair_threshold_asks_for_a_border(contrast: float, is_one: bool) -> None:
    """Its own correction of shading made a temporal lobe bright that was not: 30 ml of tumour in a healthy brain."""
    _, brain, truth = phantom()
    texture = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=truth.shape), 2, mode="wrap")
    flair = np.where(brain.data, 1500 * (1 + 0.012 * texture / texture.std()) * (1 + contrast * (truth > 0)), 0)
    answer = get_segmenter("flair-threshold").segment({Sequence.T2F: brain.with_data(flair.astype(np.float32))}, brain)
    assert (answer.labels.data[truth > 0] > 0).mean() == pytest.approx(float(is_one), abs=0.05)
    assert (answer.facts["borderless_ml"] > 8) is not is_one
    assert (answer.probabilities["WT"].data[truth > 0].max() <= 0.02) is not is_one
    np.testing.assert_array_equal(answer.probabilities["WT"].data > 0.5, answer.labels.data > 0)


def test_of_what_a_network_finds_only_what_flair_shows_stays() -> None:
    images, brain, truth = phantom()
    flair, lesion = images[Sequence.T2F].data, truth > 0
    nothing, elsewhere = np.zeros_like(lesion), distance((24, 44, 30)) < 8  # as bright as the rest
    np.testing.assert_array_equal(dismissed_parts(lesion | elsewhere, nothing, flair, brain.data, ONE), elsewhere)
    assert not dismissed_parts(lesion, nothing, flair, brain.data, ONE).any()
    assert not dismissed_parts(nothing, nothing, flair, brain.data, ONE).any()
    np.testing.assert_array_equal(dismissed_parts(lesion | elsewhere, lesion, flair, brain.data, ONE), elsewhere)
    bit = distance((24, 44, 30)) < 2  # what enhances and is nowhere bright is a vessel
    np.testing.assert_array_equal(dismissed_parts(lesion | elsewhere, bit, flair, brain.data, ONE), elsewhere)


def test_what_touches_a_lesion_by_a_corner_is_not_judged_alone() -> None:
    images, brain, truth = phantom()
    lesion = truth > 0
    crumb = np.zeros_like(lesion)
    edge = np.argwhere(lesion)[np.argwhere(lesion).sum(axis=1).argmax()]
    x, y, z = edge + 1
    crumb[x : x + 3, y : y + 3, z : z + 3] = True
    assert ndimage.label(lesion | crumb)[1] == 2
    assert not dismissed_parts(lesion | crumb, np.zeros_like(lesion), images[Sequence.T2F].data, brain.data, ONE).any()


def test_bands_on_both_sides_are_dismissed_too() -> None:
    images, brain, _ = phantom(lesion=False)
    x, y, z = np.indices(brain.grid.shape) - 36
    left, right = ((np.abs(x - side) < 3.5) & (np.abs(y) < 16) & (np.abs(z) < 10) for side in (-14, 14))
    flair, none = images[Sequence.T2F].data, np.zeros_like(left)
    two = flair + np.float32(80) * (left | right)
    np.testing.assert_array_equal(dismissed_parts(left, none, two, brain.data, ONE), left)
    assert not dismissed_parts(left, none, flair + np.float32(80) * left, brain.data, ONE).any()
    assert not dismissed_parts(left, left & (np.abs(y) < 2), two, brain.data, ONE).any()  # a bit enhances
