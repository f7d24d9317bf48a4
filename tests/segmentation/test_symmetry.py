"""Bands on both sides of a tilted brain, and what must not be taken for them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from glioscope.core import Sequence
from glioscope.segmentation import get_segmenter
from glioscope.segmentation.symmetry import paired_share, symmetric_parts
from tests.segmentation.phantoms import phantom

ONE = np.ones(3)
TILT = np.radians(8)


def brain_and_bands(thickness: float = 6.0) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """An ellipsoid turned by 8 degrees about the last axis, and a band 16 mm left and one 16 mm right of its middle."""
    x, y, z = np.indices((80, 90, 70)) - np.array([38.0, 46.0, 34.0])[:, None, None, None]
    across, along = x * np.cos(TILT) + y * np.sin(TILT), y * np.cos(TILT) - x * np.sin(TILT)
    brain = (across / 32) ** 2 + (along / 40) ** 2 + (z / 30) ** 2 < 1
    left, right = ((np.abs(across - side) < thickness / 2) & (np.abs(along) < 18) & (np.abs(z) < 10) for side in (-16, 16))
    return brain, left, right


def test_thin_bands_on_both_sides_are_symmetric_and_one_alone_is_not() -> None:
    brain, left, right = brain_and_bands()
    both = left | right
    np.testing.assert_array_equal(symmetric_parts(both, both, brain, ONE), both)
    np.testing.assert_array_equal(symmetric_parts(left, both, brain, ONE), left)  # the counterpart need not be a finding
    assert not symmetric_parts(left, left, brain, ONE).any()


def test_the_plane_follows_a_tilted_head() -> None:
    brain, left, right = brain_and_bands()
    far = np.abs(np.indices(brain.shape)[1] - 46) > 12  # about the array's middle, these ends would miss by up to 5 mm more
    share = paired_share((left & far).astype(int), right & far, brain, ONE)
    assert share[1] > 0.99


def test_a_mass_on_both_sides_stays() -> None:
    brain, left, right = brain_and_bands(thickness=28)  # 0.23 of it is deeper than 5 mm, of the bands nothing
    both = left | right
    assert paired_share(both.astype(int), both, brain, ONE)[1] == 1
    assert not symmetric_parts(both, both, brain, ONE).any()


def test_what_lies_in_the_middle_is_no_counterpart_of_itself() -> None:
    brain, _, _ = brain_and_bands()
    x, y, z = np.indices(brain.shape)
    middle = (np.abs(x - 38) < 3) & (np.abs(y - 46) < 4) & (np.abs(z - 34) < 15)
    assert paired_share(middle.astype(int), middle, brain, ONE)[1] == 0
    assert not symmetric_parts(middle, middle, brain, ONE).any()


def test_voxels_of_any_edge() -> None:
    brain, left, right = brain_and_bands()
    thick = [mask[:, :, ::4] for mask in (brain, left | right, left)]
    edges = np.array([1.0, 1.0, 4.0])
    np.testing.assert_array_equal(symmetric_parts(thick[1], thick[1], thick[0], edges), thick[1])
    assert not symmetric_parts(thick[2], thick[2], thick[0], edges).any()


@pytest.mark.parametrize("axes", ["RAS", "LPS", "SRA", "ALI"])
def test_flair_finds_one_band_and_not_two_whatever_the_orientation(axes: str) -> None:
    images, brain, _ = phantom(lesion=False)
    x, y, z = np.indices(brain.grid.shape) - 36
    sides = [(np.abs(x - side) < 3.5) & (np.abs(y) < 16) & (np.abs(z) < 10) for side in (-14, 14)]

    def found(mask: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], float]:
        flair = images[Sequence.T2F]
        bright = flair.with_data(flair.data + np.float32(80) * mask)
        answer = get_segmenter("flair-threshold").segment({Sequence.T2F: bright.reoriented(axes)}, brain.reoriented(axes))
        np.testing.assert_array_equal(answer.probabilities["WT"].data > 0.5, answer.labels.data > 0)
        return answer.labels.reoriented("RAS").data > 0, answer.facts["symmetric_ml"]

    one, dismissed = found(sides[0])
    assert (one & sides[0]).sum() > 0.9 * sides[0].sum()
    assert dismissed == 0
    two, dismissed = found(sides[0] | sides[1])
    assert not two.any()
    assert dismissed > 8  # ml, of 2 x 4.1
