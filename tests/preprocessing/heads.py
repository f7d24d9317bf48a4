"""A small synthetic head: a skull, a brain, and blobs such that no rotation maps it to itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Grid, Volume

BLOBS = [
    ((22, 30, 12), 14, 0.5),
    ((-26, -20, 8), 17, -0.45),
    ((5, 44, -14), 11, 0.6),
    ((-12, 12, 32), 13, -0.4),
    ((30, -34, 20), 10, 0.5),
]


def intensity(points: NDArray[np.float64], *, inverted: bool = False) -> NDArray[np.float32]:
    """Brightness of the head at world points (mm)."""
    radius = np.sqrt((points / [68, 86, 66]) ** 2 @ np.ones(3))
    value = np.where(radius < 0.85, 1.0, 0.0)
    for centre, size, weight in BLOBS:
        value = value + np.where(radius < 0.85, weight * np.exp(-((points - centre) ** 2).sum(axis=-1) / size**2), 0.0)
    value = np.where(inverted & (radius < 0.85), 2.2 - value, value)
    return np.asarray(100 * value + np.where((radius > 0.92) & (radius < 1.0), 150, 0), np.float32)


def head(grid: Grid, matrix: NDArray[np.float64] | None = None, *, inverted: bool = False) -> Volume:
    """The head on `grid`, whose point p shows the head at `matrix @ p`."""
    points = grid.to_world(np.moveaxis(np.indices(grid.shape), 0, -1))
    matrix = np.eye(4) if matrix is None else matrix
    return Volume(intensity(points @ matrix[:3, :3].T + matrix[:3, 3], inverted=inverted), grid)


def centred_grid(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> Grid:
    """A RAS grid around the origin."""
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Grid(shape, affine)
