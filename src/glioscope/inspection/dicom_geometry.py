"""The grid of a stack of DICOM slices, and what is wrong with the stack."""

from __future__ import annotations

from collections.abc import Sequence as Many
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Grid

__all__ = ["Stack", "slice_normal", "stack_slices"]


@dataclass(frozen=True)
class Stack:
    """Slices in order.

    Attributes:
        order: Indices of the slices along the normal, one for each distinct position.
        volumes: How many times each position is there (1 for a plain volume).
        gap: A phrase that tells where a slice is missing, or None.
        grid: Where the voxels are, or None where fewer than two positions or no usable geometry.
    """

    order: tuple[int, ...]
    volumes: float
    gap: str | None
    grid: Grid | None


def slice_normal(orientation: Many[float]) -> NDArray[np.float64]:
    """Unit normal (LPS) of the plane of ImageOrientationPatient; zeros where it is degenerate."""
    normal = np.cross(orientation[:3], orientation[3:6])
    length = np.linalg.norm(normal)
    return np.asarray(normal / length if np.isfinite(length) and length > 0.5 else np.zeros(3))


def stack_slices(
    orientation: Many[float], positions: NDArray[np.float64], shape: tuple[int, int], spacing: tuple[float, float]
) -> Stack:
    """Order slices and find their affine (DICOM PS3.3, C.7.6.2.1.1), turned from LPS to RAS.

    Args:
        orientation: Direction cosines of a row and of a column (LPS), six numbers.
        positions: ImagePositionPatient of each slice, (n, 3), mm, LPS.
        shape: Rows, columns.
        spacing: Distance between rows and between columns, mm.

    Returns:
        The stack; slices closer than 0.01 mm count as one position.
    """
    along = positions @ slice_normal(orientation)
    order = np.argsort(along, kind="stable")
    distinct = [int(order[0])]
    for index in order[1:]:
        if along[index] - along[distinct[-1]] > 0.01:
            distinct.append(int(index))
    count = len(distinct)
    volumes = len(positions) / count
    if count < 2 or min(spacing) <= 0:
        return Stack(tuple(distinct), volumes, None, None)
    steps = np.diff(along[distinct])
    usual = float(np.median(steps))
    gap = None
    wide = np.flatnonzero(steps > 1.5 * usual)
    if wide.size:
        first = int(wide[0])
        missing = int(sum(round(steps[i] / usual) - 1 for i in wide)) or 1
        plural = "slice is" if missing == 1 else "slices are"
        where = f"{steps[first]:.1f} mm between slices {first + 1} and {first + 2}, {usual:.1f} mm elsewhere"
        gap = f"{missing} {plural} missing ({where})"
    elif (steps < 0.5 * usual).any():
        first = int(np.argmin(steps))
        gap = f"its slices are unevenly spaced ({steps[first]:.2f} mm after slice {first + 1}, {usual:.2f} mm elsewhere)"
    affine = np.eye(4)
    affine[:3, 0] = np.asarray(orientation[:3]) * spacing[1]
    affine[:3, 1] = np.asarray(orientation[3:6]) * spacing[0]
    affine[:3, 2] = (positions[distinct[-1]] - positions[distinct[0]]) / (count - 1)
    affine[:3, 3] = positions[distinct[0]]
    affine[:2] *= -1
    usable = np.isfinite(affine).all() and abs(np.linalg.det(affine[:3, :3])) > 1e-9
    return Stack(tuple(distinct), volumes, gap, Grid((shape[1], shape[0], count), affine) if usable else None)
