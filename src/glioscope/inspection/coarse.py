"""Volumes at about 4 mm: enough to tell what an image shows, and a thousand times fewer voxels."""

from __future__ import annotations

import itertools
from collections.abc import Sequence as Many

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import Grid, Volume, resample

__all__ = ["COARSE_MM", "coarsen", "on_common_grid"]

COARSE_MM = 4.0


def coarsen(volume: Volume) -> Volume:
    """`volume` averaged over blocks and thinned to voxels of about 4 mm, on a matching grid."""
    steps = np.minimum(np.maximum(1, np.round(COARSE_MM / volume.grid.spacing)).astype(int), volume.grid.shape)
    smooth = ndimage.uniform_filter(volume.data, tuple(steps), mode="nearest")
    data = np.ascontiguousarray(smooth[tuple(slice(int(s) // 2, None, int(s)) for s in steps)])
    affine = volume.grid.affine.copy()
    affine[:3, 3] = volume.grid.to_world(steps // 2)
    affine[:3, :3] = affine[:3, :3] * steps
    return Volume.of(data, affine)


def _corners(grid: Grid) -> NDArray[np.float64]:
    ends = np.array(list(itertools.product((0, 1), repeat=3))) * (np.array(grid.shape) - 1)
    return grid.to_world(ends)


def on_common_grid(volumes: Many[Volume]) -> NDArray[np.float32] | None:
    """Volumes shown on one 4 mm grid over the field of view they share, (n, x, y, z); None where they share none."""
    corners = [_corners(volume.grid) for volume in volumes]
    low = np.max([c.min(axis=0) for c in corners], axis=0)
    high = np.min([c.max(axis=0) for c in corners], axis=0)
    sizes = [int(n) for n in np.floor((high - low) / COARSE_MM) + 1]
    if min(sizes) < 8 or max(sizes) > 256:
        return None
    affine = np.diag([COARSE_MM, COARSE_MM, COARSE_MM, 1.0])
    affine[:3, 3] = low
    grid = Grid((sizes[0], sizes[1], sizes[2]), affine)
    return np.stack([resample(volume, grid).data for volume in volumes])
