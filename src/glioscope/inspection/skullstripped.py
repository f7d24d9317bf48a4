"""Whether a volume shows a brain without its skull."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from glioscope.core import Volume
from glioscope.inspection.coarse import coarsen

__all__ = ["is_skull_stripped"]

MIN_ZEROS = 0.3
"""Part of the voxels that is exactly zero: 0.82 to 0.87 in BraTS cases, 0.03 to 0.10 in scanner images."""
BRAIN_ML = (400.0, 2400.0)
"""Volume inside the background: 1300 to 1900 ml in BraTS cases, above 3000 ml for a head."""
MAX_RIM = 0.7
"""Median of the outer 6 mm relative to the deep median: 0.22 to 0.58 without skull (partial volume with the zeros, CSF),
0.83 to 1.2 for scalp."""


def is_skull_stripped(volume: Volume) -> bool:
    """Whether the background is exactly zero, what it surrounds has the size of a brain, and its rim is no scalp."""
    zeros = volume.data == 0
    if zeros.mean() < MIN_ZEROS:
        return False
    coarse = coarsen(volume)
    parts, count = ndimage.label(coarse.data != 0)
    if count == 0:
        return False
    largest = parts == 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
    support = ndimage.binary_fill_holes(largest)
    ml = float(support.sum()) * coarse.grid.voxel_volume / 1000
    if not BRAIN_ML[0] <= ml <= BRAIN_ML[1]:
        return False
    padded = np.pad(support, 1, mode="edge")
    depth = ndimage.distance_transform_edt(padded, sampling=coarse.grid.spacing)[1:-1, 1:-1, 1:-1]
    rim, deep = coarse.data[support & (depth <= 6)], coarse.data[depth > 24]
    if not rim.size or not deep.size:
        return False
    return bool(np.median(rim) < MAX_RIM * np.median(deep))
