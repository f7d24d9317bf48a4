"""The longest diameter of a mask of voxels, in two or three dimensions."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import cdist

__all__ = ["box_corners", "longest_diameter"]

_TILT = np.pi / 6


def box_corners(mask: NDArray[np.bool_], matrix: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The corners, (2^d, d) in mm, of a mask that fills its bounding box; None for any other."""
    box = ndimage.find_objects(mask.astype(np.uint8))[0]
    if not mask[box].all():
        return None
    bounds = [(side.start - 0.5, side.stop - 0.5) for side in box]
    return np.array(list(product(*bounds))) @ matrix.T


def longest_diameter(mask: NDArray[np.bool_], matrix: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """The longest distance between two points of the body that a mask stands for, in mm, and its direction as a unit vector.

    A mask that fills its bounding box is that box. Of other bodies the mask holds the voxels whose centres lie within, and the
    farthest centres are too near to each other: by about a voxel's width where two sharp ends point at each other, as in a bar,
    and by next to nothing in a ball, where one pair of many comes close to the surface. Between the two the width of the body
    30 degrees beside its longest diameter decides: it has fallen to cos 30 where the ends are points, and not at all in a ball.

    Args:
        mask: (d arrays of) voxels, at least one of them in it; d is 2 or 3.
        matrix: (d, d), the voxel's edges in mm as columns.
    """
    corners = box_corners(mask, matrix)
    if corners is not None:
        length, direction, _ = _farthest(corners)
        return length, direction
    length, direction, hull = _farthest(np.argwhere(mask & ~ndimage.binary_erosion(mask)) @ matrix.T)
    tilted = np.cos(_TILT) * direction + np.sin(_TILT) * _around(direction)
    width = np.ptp(hull @ tilted.T, axis=0).mean() / length
    roundness = np.clip((width - np.cos(_TILT)) / (1 - np.cos(_TILT)), 0, 1)
    return float(length + (1 - roundness) * np.linalg.norm(matrix.T @ direction)), direction


def _around(direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit vectors perpendicular to a direction: two in the plane, eight in space."""
    across = np.linalg.svd(direction[None])[2][1:]
    if len(across) == 1:
        return np.concatenate([across, -across])
    angles = np.arange(8)[:, None] * np.pi / 4
    return np.asarray(np.cos(angles) * across[0] + np.sin(angles) * across[1])


def _farthest(points: NDArray[np.float64]) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """The distance of the two farthest of at least two points, its direction, and those of them that are on the hull."""
    try:
        points = points[ConvexHull(points).vertices]
    except (QhullError, ValueError):  # all in one plane or on one line; joggled where they are too many to compare them all
        points = points if len(points) < 3000 else points[ConvexHull(points, qhull_options="QJ").vertices]
    best, pair = -1.0, (0, 0)
    for start in range(0, len(points), 1000):  # a block at a time keeps the distance table small
        distances = cdist(points[start : start + 1000], points)
        i, j = np.unravel_index(int(distances.argmax()), distances.shape)
        if distances[i, j] > best:
            best, pair = float(distances[i, j]), (start + int(i), int(j))
    return best, (points[pair[1]] - points[pair[0]]) / best, points
