"""What is nowhere bright on the image that tells its region: a vessel or a sinus that took up contrast, say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.segmentation.filters import deviation

__all__ = ["LEAST_BRIGHT", "dim_parts"]

Mask = NDArray[np.bool_]

LEAST_BRIGHT = 0.25
"""Share of a part that must be bright (docs/default.md: real tumours have 0.82 and more; synthetic ones, some of them mostly
necrosis, 0.41 and more; false islands 0.06 and 0.14)."""
BRIGHT = 1.0
"""Robust standard deviations (1.4826 MAD) above the median of the brain from which a voxel is bright."""


def dim_parts(mask: Mask, image: NDArray[np.floating], brain: Mask) -> Mask:
    """Those components of `mask` (joined by faces, edges or corners) of which less than `LEAST_BRIGHT` is bright on `image`.

    Args:
        mask: What was found.
        image: Of any scale.
        brain: Brain mask; all three arrays have one shape.
    """
    parts, count = ndimage.label(mask, np.ones((3, 3, 3)))
    if not count or not brain.any():
        return np.zeros(mask.shape, np.bool_)
    middle, spread = deviation(image[brain])
    number = parts[mask]
    bright = np.bincount(number[image[mask] > middle + BRIGHT * spread], minlength=count + 1)
    dim = bright < LEAST_BRIGHT * np.bincount(number, minlength=count + 1)
    return np.asarray(dim[parts])
