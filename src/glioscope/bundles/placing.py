"""Where a network's channels lie, for training and for prediction alike: the grid that it works on, and earlier exams on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from glioscope.core import Grid, Transform, Volume, read_labels, read_volume, resample, resample_mask

__all__ = ["SPACING_TOLERANCE", "read_earlier", "working_grid"]

SPACING_TOLERANCE = 0.01
"""Voxels that differ by less than this share from those that are wanted are taken as they are."""


def working_grid(box: Grid, spacing: Sequence[float] | None, size: Sequence[int] | None = None) -> Grid | None:
    """The grid over the same field of view as the brain's box `box`, or None where `box` will do.

    Args:
        box: Grid of the brain's box.
        spacing: Voxel edges in mm that the network learnt on, kept to the nearest whole number of voxels; None for any.
        size: Voxels along each axis whatever the box's size, for a network that sees the whole of it; it goes before `spacing`.
    """
    if size is None and (spacing is None or np.allclose(box.spacing, spacing, rtol=SPACING_TOLERANCE, atol=0)):
        return None
    shape = np.asarray(size) if size is not None else np.maximum(1, np.rint(box.extent / np.asarray(spacing, np.float64)))
    x, y, z = (int(n) for n in shape)
    factor = np.asarray(box.shape) / (x, y, z)
    affine = box.affine.copy()
    affine[:3, :3] *= factor
    affine[:3, 3] = box.to_world((factor - 1) / 2)  # the outer faces of the first voxels coincide
    return Grid((x, y, z), affine)


def read_earlier(source: str, path: Path, grid: Grid, transform: Transform | None = None) -> Volume:
    """An image or the tumour mask of an earlier exam on the grid of the exam that is looked at.

    Args:
        source: `pre-t1c` …, or `pre-mask`: the tumour is what is not 0.
        path: File on any grid in the same space.
        grid: To fill.
        transform: World points of `grid` to world points of the file, where the spaces differ after all.

    Returns:
        Image, or bool volume of a mask, on `grid`; resampled only where the file lies on another one.

    Raises:
        InputUnreadable, InvalidImage: the file cannot be used.
    """
    mask = source.endswith("mask")
    volume = (read_labels(path) if mask else read_volume(path)).reoriented(grid.orientation)
    if mask:
        volume = volume.with_data(volume.data > 0)
    if transform is None and volume.grid.same_as(grid):
        return volume
    return resample_mask(volume, grid, transform) if mask else resample(volume, grid, transform)
