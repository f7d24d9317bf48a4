"""Whether a mask can be the brain of an adult."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from glioscope.core import Volume

__all__ = ["VOLUME_RANGE", "implausible"]

VOLUME_RANGE = (700.0, 2200.0)
"""Millilitres: well below the smallest and above the largest adult brain, cut fields of view included."""

MAIN_SHARE = 0.95
"""Part of the mask that must hang together."""

BORDER_SHARE = 0.25
"""A side of the field of view counts as touched where the mask fills more than this part of it."""


def implausible(mask: Volume) -> str | None:
    """Why `mask` (bool) cannot be an adult's brain, as the rest of a sentence; None where it can.

    It must have 700 to 2200 ml, one component with at least 95 % of it, and may fill more than a quarter of at most three of
    the six sides of the field of view (slabs cut the brain at two).
    """
    inside = np.asarray(mask.data, bool)
    volume = float(inside.sum()) * mask.grid.voxel_volume / 1000
    low, high = VOLUME_RANGE
    if not low <= volume <= high:
        return f"it has {volume:.0f} ml, and an adult's brain has {low:.0f} to {high:.0f} ml"
    parts, _ = ndimage.label(inside)
    share = np.bincount(parts.ravel())[1:].max() / inside.sum()
    if share < MAIN_SHARE:
        return f"it is in pieces (the largest is {100 * share:.0f} % of it)"
    sides = [np.take(inside, end, axis).mean() for axis in range(3) for end in (0, -1)]
    touched = sum(side > BORDER_SHARE for side in sides)
    if touched > 3:
        return f"it fills {touched} of the six sides of the field of view"
    return None
