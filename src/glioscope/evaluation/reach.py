"""Everything within a distance of a mask, at one bit a voxel."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from glioscope.evaluation.bits import Words, spread

__all__ = ["Reach", "reach_lengths"]

_FARTHEST = 16


@lru_cache(maxsize=16)
def reach_lengths(spacing: tuple[float, float, float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lengths (mm) of the steps in one octant, and all that differ up to `_FARTHEST` voxels, ascending."""
    limit = (_FARTHEST + 1) * min(spacing)
    axes = np.meshgrid(*(np.arange(int(limit / edge) + 1) * edge for edge in spacing), indexing="ij")
    octant = np.sqrt(sum(np.square(axis) for axis in axes))
    return octant, np.unique(octant[octant < limit])


class Reach:
    """Balls around the voxels of a mask.

    Args:
        words: The mask (X, Y, words), packed.
        spacing: Edge lengths of a voxel (mm).
    """

    def __init__(self, words: Words, spacing: tuple[float, float, float]) -> None:
        self._octant = reach_lengths(spacing)[0]
        self._tall = [words]

    def within(self, length: float) -> Words:
        """The voxels not farther than `length` mm, one of `reach_lengths`."""
        heights = np.count_nonzero(self._octant <= length, axis=2) - 1
        while len(self._tall) <= heights[0, 0]:
            self._tall.append(spread(self._tall[-1], 2))
        wide, deep = self._tall[0].shape[:2]
        ball = np.zeros_like(self._tall[0])
        for x, row in enumerate(heights[: min(wide, np.count_nonzero(heights[:, 0] >= 0))]):
            slab = self._tall[row[0]].copy()
            for y in range(1, min(deep, np.count_nonzero(row >= 0))):
                tall = self._tall[row[y]]
                slab[:, y:] |= tall[:, :-y]
                slab[:, :-y] |= tall[:, y:]
            ball[x:] |= slab[: wide - x]
            if x:
                ball[:-x] |= slab[x:]
        return ball
