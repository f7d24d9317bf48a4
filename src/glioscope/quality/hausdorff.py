"""How far apart two masks are at their surfaces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

__all__ = ["hausdorff"]


def hausdorff(a: NDArray[np.bool_], b: NDArray[np.bool_], spacing: Sequence[float], percentile: float = 100) -> float:
    """Hausdorff distance between the centres of surface voxels (those with one of six neighbours outside the mask).

    Args:
        a: Mask of three axes.
        b: Mask of the same shape.
        spacing: Edge lengths of a voxel in mm.
        percentile: 100 for the largest distance, 95 for the larger of the two directed 95th percentiles.

    Returns:
        Distance in mm; 0 where both masks are empty, infinity where one is.
    """
    if not a.any() or not b.any():
        return 0.0 if a.any() == b.any() else float("inf")
    surfaces = [mask & ~ndimage.binary_erosion(mask) for mask in (a, b)]
    points = [np.argwhere(surface) * np.asarray(spacing) for surface in surfaces]
    directed = []
    for own, other, cloud in zip(surfaces, surfaces[::-1], points[::-1], strict=True):
        apart = np.argwhere(own & ~other) * np.asarray(spacing)  # voxels on both surfaces are 0 apart
        distances = np.zeros(int(own.sum()))
        if len(apart):
            distances[: len(apart)] = cKDTree(cloud).query(apart)[0]
        directed.append(float(np.percentile(distances, percentile)))
    return max(directed)
