"""What is new, what is gone and what stayed, voxel by voxel on one grid."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

__all__ = ["CHANGE_COLOURS", "CHANGE_LABELS", "change_map", "change_volumes"]

STABLE, NEW, GONE = 1, 2, 3
CHANGE_LABELS: Mapping[int, str] = MappingProxyType({STABLE: "stable", NEW: "new", GONE: "gone"})
"""Value in a change map -> what it means."""

CHANGE_COLOURS: Mapping[int, str] = MappingProxyType({STABLE: "#CCBB44", NEW: "#EE6677", GONE: "#4477AA"})
"""Value -> the colour it is drawn in (sRGB hex)."""


def change_map(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """1 where both masks are, 2 where only the later one is, 3 where only the earlier one is, else 0; same shape."""
    return np.asarray(STABLE * (before & after) + NEW * (after & ~before) + GONE * (before & ~after), np.uint8)


def change_volumes(changes: NDArray[np.uint8], voxel_mm3: float) -> dict[str, float]:
    """Word -> volume in ml of a change map."""
    counts = np.bincount(changes.ravel(), minlength=GONE + 1)
    return {word: round(float(counts[value]) * voxel_mm3 / 1000, 3) for value, word in CHANGE_LABELS.items()}
