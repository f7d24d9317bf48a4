"""The box of a mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["box_of"]


def box_of(mask: NDArray[np.bool_], room: Sequence[int] = (0, 0, 0)) -> tuple[slice, ...]:
    """The smallest box around a mask, with `room` voxels more at either end of each axis as far as the array reaches.

    Args:
        mask: (X, Y, Z), not empty.
        room: Voxels, one number an axis.
    """
    planes: list[NDArray[Any]] = [np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    return tuple(
        slice(max(0, int(p[0]) - r), min(n, int(p[-1]) + 1 + r)) for p, r, n in zip(planes, room, mask.shape, strict=True)
    )
