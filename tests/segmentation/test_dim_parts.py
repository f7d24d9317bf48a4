"""Parts that are nowhere bright, counted by hand."""

from __future__ import annotations

import numpy as np

from glioscope.segmentation.dim_parts import dim_parts


def scene() -> tuple[np.ndarray, np.ndarray]:
    """An image of 5 and 7 in equal parts (median 6, MAD 1, limit 7.4826), and three parts of four voxels in it."""
    image = np.where(np.arange(10 * 10 * 10).reshape(10, 10, 10) % 2 == 0, 5.0, 7.0)
    mask = np.zeros(image.shape, bool)
    for row in (1, 4, 7):
        mask[row, 1:5, 1] = True
    return image, mask


def test_a_part_with_a_quarter_of_bright_voxels_stays_and_one_with_none_is_dim() -> None:
    image, mask = scene()
    image[1, 1, 1] = 7.5
    image[4, 1, 1] = 7.4
    image[7, 1:5, 1] = 20
    dim = dim_parts(mask, image, np.ones(image.shape, bool))
    assert not dim[1].any()
    assert dim[4, 1:5, 1].all()
    assert not dim[7].any()
    assert dim.sum() == 4


def test_parts_that_touch_at_a_corner_are_one() -> None:
    image, mask = scene()
    mask[2, 5, 2] = True  # beside the corner of the first part's end
    image[2, 5, 2] = 20
    image[1, 1, 1] = 20
    assert not dim_parts(mask, image, np.ones(image.shape, bool))[1:3].any()


def test_neither_scale_nor_what_lies_outside_of_the_brain_counts() -> None:
    image, mask = scene()
    image[1, 1, 1] = 7.6
    brain = np.ones(image.shape, bool)
    brain[:, :, 8:] = False
    outside = np.where(brain, image, 1e6)
    np.testing.assert_array_equal(dim_parts(mask, 1000 * outside - 3, brain), dim_parts(mask, image, brain))
    assert not dim_parts(mask & False, image, brain).any()
    assert not dim_parts(mask, image, brain & False).any()
