"""The grid that a network works on, for training and for prediction alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glioscope.core import Grid

__all__ = ["SPACING_TOLERANCE", "working_grid"]

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
