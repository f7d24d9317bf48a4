"""Tissue fractions of a skull-stripped T1-weighted image, for atlases that come without them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["tissue_fractions"]

ROUNDS = 30


def tissue_fractions(t1: NDArray[np.float32], brain: NDArray[np.bool_]) -> dict[str, NDArray[np.float32]]:
    """Part of each voxel that is fluid, grey and white matter, from its brightness.

    Three mean intensities by k-means on the brain's voxels; between two of them a voxel is a mixture of the two tissues.

    Args:
        t1: T1-weighted image, any unit, without much shading.
        brain: Its brain.

    Returns:
        `csf`, `gm`, `wm`, float32 in [0, 1], adding up to 1 inside the brain and 0 outside.
    """
    values = np.sort(t1[brain])
    means = np.quantile(values, [0.03, 0.35, 0.8])
    for _ in range(ROUNDS):
        cuts = np.searchsorted(values, (means[:-1] + means[1:]) / 2)
        means = np.array([part.mean() if part.size else mean for part, mean in zip(np.split(values, cuts), means, strict=True)])
    soft = ndimage.gaussian_filter(t1, 0.4)
    share = np.interp(soft, means, [0.0, 1.0, 2.0]).astype(np.float32)
    inside = brain.astype(np.float32)
    return {
        "csf": np.clip(1 - share, 0, 1) * inside,
        "gm": np.clip(1 - np.abs(share - 1), 0, 1) * inside,
        "wm": np.clip(share - 1, 0, 1) * inside,
    }
