"""What contrast has added: T1 after it minus T1 before it, brought to one scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glioscope.core.errors import InvalidImage

__all__ = ["ENOUGH", "matched_subtraction"]

ENOUGH = 500
"""Voxels of normal brain that are needed to know how the images compare."""


def matched_subtraction(t1n: NDArray[np.floating], t1c: NDArray[np.floating], normal: NDArray[np.bool_]) -> NDArray[np.float32]:
    """T1c - T1n in standard deviations of its noise in the normal brain, float32.

    The line that takes T1n to T1c is fitted by least squares, three times, leaving out what is more than two deviations off
    (vessels enhance too).

    Args:
        t1n, t1c: Native and contrast T1 on one grid.
        normal: Brain outside all labels.

    Raises:
        InvalidImage: fewer than ENOUGH voxels of normal brain.
    """
    if int(normal.sum()) < ENOUGH:
        raise InvalidImage("There is too little brain outside the labels to know what is bright after contrast.")
    x, y = t1n[normal].astype(np.float64), t1c[normal].astype(np.float64)
    keep = np.ones(x.size, bool)
    slope, offset, spread = 1.0, 0.0, 1.0
    for _ in range(3):
        if x[keep].std() < 1e-9:
            break
        slope, offset = (float(v) for v in np.polyfit(x[keep], y[keep], 1))
        rest = y - slope * x - offset
        spread = max(float(rest[keep].std()), 1e-9)
        keep = np.abs(rest) <= 2 * spread
    return np.asarray((t1c - slope * t1n - offset) / spread, np.float32)
