"""Defacing: removing the face and the ears from a head, by where they lie relative to the brain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import ProcessingFailed, Volume

__all__ = ["deface", "deface_mask"]

MARGIN = 15.0
"""Millimetres around the brain in which nothing is removed."""

BROW = 15.0
"""Millimetres above the frontal pole up to which the face reaches."""


def _world_axis(volume: Volume, axis: int) -> NDArray[np.float64]:
    """World coordinate `axis` (0 right, 1 anterior, 2 up; mm) of every voxel."""
    i, j, k = np.ogrid[tuple(slice(n) for n in volume.grid.shape)]
    row = volume.grid.affine[axis]
    return np.asarray(row[0] * i + row[1] * j + row[2] * k + row[3], np.float64)


def deface_mask(volume: Volume, brain_mask: Volume, *, margin: float = MARGIN) -> Volume:
    """The voxels to remove so that nobody can be recognised: the face and the ears.

    Two parts of space, in world coordinates, so that any orientation and obliquity gives the same: the face is what lies
    below and in front of a plane from above the brows down and back to below the middle of the brain; the ears are what lies
    beside the lower half of the brain. Whatever is within `margin` mm of the brain stays. The head is taken to be upright
    in the scanner to within some 20 degrees.

    Args:
        volume: Image of a head.
        brain_mask: Its brain, on the same grid.
        margin: Distance in mm from the brain up to which nothing is removed.

    Returns:
        bool volume on the same grid, True where a voxel is to be removed.

    Raises:
        ProcessingFailed: the mask is empty or on another grid.
    """
    if not brain_mask.grid.same_as(volume.grid) or not brain_mask.data.any():
        raise ProcessingFailed("Defacing needs a brain mask that is not empty and lies on the grid of the image.")
    brain = np.asarray(brain_mask.data, bool)
    x, y, z = (_world_axis(volume, axis) for axis in range(3))
    left, right = np.percentile(x[brain], (0.5, 99.5))
    back, front = np.percentile(y[brain], (0.5, 99.5))
    bottom, top = np.percentile(z[brain], (0.5, 99.5))
    pole = float(np.median(z[brain & (y > front - 10)]))
    brow = pole + BROW

    depth = (brow - z) / max(brow - bottom, 1.0)  # 0 at the brows, 1 at the lower end of the brain
    face = (z < brow) & (y > front + margin - depth * (margin + (front - back) / 2))
    lateral = np.abs(x - (left + right) / 2) > (right - left) / 2
    ears = lateral & (z < (bottom + top) / 2)
    distance = ndimage.distance_transform_edt(~brain, sampling=volume.grid.spacing)
    return volume.with_data((face | ears) & (distance > margin))


def deface(volume: Volume, removed: Volume) -> Volume:
    """`volume` with 0 in the voxels that `deface_mask` names."""
    return volume.with_data(np.where(removed.data, 0, volume.data).astype(volume.data.dtype))
