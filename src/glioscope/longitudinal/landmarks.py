"""How far a registration leaves points that people set on both images."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InputUnreadable, Transform

__all__ = ["landmark_distances", "read_landmarks"]


def read_landmarks(path: Path) -> NDArray[np.float64]:
    """The points of a table with the columns X, Y and Z in world mm of ITK (LPS), as those of BraTS-Reg; (n, 3) in RAS mm.

    Raises:
        InputUnreadable: missing, without these columns, or with anything but numbers in them.
    """
    if not path.is_file():
        raise InputUnreadable(f"'{path.name}' does not exist or is not a file.")
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = [[float(row[axis]) for axis in "XYZ"] for row in csv.DictReader(stream)]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputUnreadable(f"'{path.name}' is no table of landmarks with the columns X, Y and Z.") from error
    if not rows or not all(math.isfinite(v) for row in rows for v in row):
        raise InputUnreadable(f"'{path.name}' holds no landmarks, or some that are not finite.")
    return np.array(rows) * [-1.0, -1.0, 1.0]


def landmark_distances(
    fixed: NDArray[np.float64], moving: NDArray[np.float64], transform: Transform | None = None
) -> NDArray[np.float64]:
    """Distance in mm from where a transform takes each fixed point to the same point in the moving image.

    Args:
        fixed: World points of the baseline (mm, RAS), shape (n, 3).
        moving: The same points in the follow-up.
        transform: Baseline to follow-up; none where None.
    """
    taken = fixed if transform is None else transform.apply(fixed)
    return np.asarray(np.linalg.norm(taken - moving, axis=1))
