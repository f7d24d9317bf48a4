"""Separate lesions: connected pieces of a mask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["MIN_LESION_MM3", "lesion_sizes", "separate_lesions"]

MIN_LESION_MM3 = 50.0
"""Smaller pieces are not counted as lesions (a sphere of this volume is 4.6 mm wide)."""


def separate_lesions(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Number the pieces of a mask that touch by faces, edges or corners (26-connected), from 1, the largest first.

    Returns:
        int32 array of the mask's shape, 0 outside.
    """
    numbered, count = ndimage.label(mask, np.ones((3, 3, 3)))
    sizes = np.bincount(numbered.ravel(), minlength=count + 1)[1:]
    rank = np.zeros(count + 1, np.int32)
    rank[1 + np.argsort(-sizes, kind="stable")] = np.arange(1, count + 1)
    return np.asarray(rank[numbered])


def lesion_sizes(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Voxels in each 26-connected piece of a mask, the largest first."""
    return np.bincount(separate_lesions(mask).ravel())[1:]
