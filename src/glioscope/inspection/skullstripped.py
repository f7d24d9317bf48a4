"""Whether a volume shows a brain without its skull."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import Volume
from glioscope.inspection.coarse import coarsen

__all__ = ["is_skull_stripped", "share_one_brain"]

MIN_ZEROS = 0.3
"""Part of the voxels that is exactly zero: 0.82 to 0.87 in BraTS cases, 0.03 to 0.10 in scanner images."""
BRAIN_ML = (400.0, 2400.0)
"""Volume inside the background: 1300 to 1900 ml in BraTS cases, above 3000 ml for a head."""
MAX_RIM = 0.7
"""Median of the outer 6 mm relative to the deep median: 0.22 to 0.58 without skull (partial volume with the zeros, CSF),
0.83 to 1.2 for scalp."""


def is_skull_stripped(volume: Volume) -> bool:
    """Whether the background is exactly zero, what it surrounds has the size of a brain, and its rim is no scalp."""
    if (volume.data == 0).mean() < MIN_ZEROS:
        return False
    coarse = coarsen(volume)
    support = _support(coarse)
    if support is None:
        return False
    padded = np.pad(support, 1, mode="edge")
    depth = ndimage.distance_transform_edt(padded, sampling=coarse.grid.spacing)[1:-1, 1:-1, 1:-1]
    rim, deep = coarse.data[support & (depth <= 6)], coarse.data[depth > 24]
    if not rim.size or not deep.size:
        return False
    return bool(np.median(rim) < MAX_RIM * np.median(deep))


def share_one_brain(one: Volume, other: Volume) -> bool:
    """Whether two images on one grid are zero in the very same voxels, around something as large as a brain.

    Only a common mask does that, and it tells a brain whose rim is bright (much fluid, or a contrast that no scanner makes).
    """
    zeros = one.data == 0
    return bool(zeros.mean() >= MIN_ZEROS and np.array_equal(zeros, other.data == 0) and _support(coarsen(one)) is not None)


def _support(coarse: Volume) -> NDArray[np.bool_] | None:
    """What the background surrounds, where it has the size of a brain."""
    parts, count = ndimage.label(coarse.data != 0)
    if count == 0:
        return None
    support: NDArray[np.bool_] = ndimage.binary_fill_holes(parts == 1 + int(np.argmax(np.bincount(parts.ravel())[1:])))
    ml = float(support.sum()) * coarse.grid.voxel_volume / 1000
    return support if BRAIN_ML[0] <= ml <= BRAIN_ML[1] else None
