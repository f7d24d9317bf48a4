"""Label maps made of boxes, whose volumes and diameters are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Volume
from glioscope.longitudinal import History, find_lesions, in_baseline, trace_lesions

SHAPE = (60, 60, 40)
Box = tuple[tuple[int, int, int], tuple[int, int, int]]


def boxes(*corners: Box, shape: tuple[int, int, int] = SHAPE) -> NDArray[np.bool_]:
    """A mask of boxes, each given by its first voxel and its size in voxels."""
    out = np.zeros(shape, bool)
    for start, size in corners:
        out[tuple(slice(a, a + n) for a, n in zip(start, size, strict=True))] = True
    return out


def volume(mask: NDArray[np.bool_], spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Volume:
    """The mask as a label map in RAS."""
    return Volume.of(mask.astype(np.uint8), np.diag([*spacing, 1.0]))


def history(masks: Sequence[NDArray[np.bool_]], spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> History:
    """The lesions of masks on one grid, followed."""
    volumes = [volume(mask, spacing) for mask in masks]
    maps = [find_lesions(v.data > 0, v) for v in volumes]
    grid = volumes[0].grid
    return trace_lesions(maps, [in_baseline(found.numbers, grid) for found in maps], grid)
