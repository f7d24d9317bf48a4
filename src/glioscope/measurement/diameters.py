"""Diameters of a mask in world millimetres, on grids of any orientation, obliquity and spacing."""

from __future__ import annotations

from dataclasses import dataclass

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import Grid

__all__ = ["AxialDiameters", "axial_axis", "axial_diameters", "feret_diameter"]


@dataclass(frozen=True)
class AxialDiameters:
    """Diameters in the axial plane in which the mask has its largest area.

    Attributes:
        slice_index: Index of the plane along the array axis closest to the head-foot direction.
        height_mm: World z of the plane at the centre of the mask in it.
        area_mm2: Area of the mask in the plane.
        longest_mm: Longest distance between two points of the outline.
        perpendicular_mm: Longest distance between two points of the outline on a line perpendicular to the longest diameter.
    """

    slice_index: int
    height_mm: float
    area_mm2: float
    longest_mm: float
    perpendicular_mm: float


def axial_axis(grid: Grid) -> int:
    """The array axis closest to the head-foot direction."""
    return int(np.flatnonzero(nib.orientations.io_orientation(grid.affine)[:, 0] == 2)[0])


def _longest(points: NDArray[np.float64], matrix: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Longest diameter of voxels whose centres are `points` (mm), and its direction; `matrix` has the voxel's edges as columns.

    The distance between the two farthest centres misses a whole voxel of a body with flat ends or sharp corners and about half
    of one with round ends, so three quarters of the voxel's width along it are added: within half a voxel either way.
    """
    from scipy.spatial import ConvexHull, QhullError
    from scipy.spatial.distance import cdist

    try:
        points = points[ConvexHull(points).vertices]
    except (QhullError, ValueError):  # all in one plane or on one line; joggled where they are too many to compare them all
        points = points if len(points) < 3000 else points[ConvexHull(points, qhull_options="QJ").vertices]
    best, pair = -1.0, (0, 0)
    for start in range(0, len(points), 1000):  # a block at a time keeps the distance table small
        distances = cdist(points[start : start + 1000], points)
        i, j = np.unravel_index(int(distances.argmax()), distances.shape)
        if distances[i, j] > best:
            best, pair = float(distances[i, j]), (start + int(i), int(j))
    between = points[pair[1]] - points[pair[0]]
    direction = between / best if best > 0 else matrix[:, 0] / np.linalg.norm(matrix[:, 0])
    return best + 1.5 * _half_width(matrix, direction), direction


def _half_width(matrix: NDArray[np.float64], direction: NDArray[np.float64]) -> float:
    """Half of a voxel's width along a unit vector, its edges' shares added in quadrature."""
    return float(np.linalg.norm(matrix.T @ direction)) / 2


def feret_diameter(mask: NDArray[np.bool_], grid: Grid) -> float:
    """Maximum 3-D Feret (calliper) diameter in mm: the longest distance between two points of the mask; 0 where it is empty."""
    surface = np.argwhere(mask & ~ndimage.binary_erosion(mask))
    return _longest(grid.to_world(surface), grid.affine[:3, :3])[0] if len(surface) else 0.0


def _plane_matrix(grid: Grid, axes: tuple[int, int]) -> NDArray[np.float64]:
    """2x2 matrix from in-plane indices to orthonormal in-plane coordinates in mm (a sheared plane is honoured)."""
    u, v = grid.affine[:3, axes[0]], grid.affine[:3, axes[1]]
    first = u / np.linalg.norm(u)
    along = float(v @ first)
    return np.array([[np.linalg.norm(u), along], [0.0, np.linalg.norm(v - along * first)]])


def _longest_chord(mask: NDArray[np.bool_], matrix: NDArray[np.float64], direction: NDArray[np.float64]) -> float:
    """Longest distance between two points of the outline on one line perpendicular to the unit vector `direction`.

    The outline runs through the middle of the pixels' faces: right where it is flat and up to half a pixel outside where it is
    round, so half of that is taken off.
    """
    import contourpy

    normal = np.array([-direction[1], direction[0]])
    along, across = [], []
    for line in contourpy.contour_generator(z=np.pad(mask, 1).T.astype(float)).lines(0.5):
        points = np.asarray(line) @ matrix.T
        t, p = points @ direction, points @ normal
        along.append(np.stack([t[:-1], t[1:]]))
        across.append(np.stack([p[:-1], p[1:]]))
    t, p = np.concatenate(along, axis=1), np.concatenate(across, axis=1)
    step = np.abs(np.diag(matrix)).min() / 4
    longest = 0.0
    for station in np.arange(t.min() + step / 2, t.max(), step):
        cut = (t.min(axis=0) <= station) & (station < t.max(axis=0))
        if not cut.any():  # between two pieces that are joined in another slice
            continue
        (t0, t1), (p0, p1) = t[:, cut], p[:, cut]
        longest = max(longest, float(np.ptp(p0 + (station - t0) / (t1 - t0) * (p1 - p0))))
    return longest - _half_width(matrix, normal) / 2


def axial_diameters(mask: NDArray[np.bool_], grid: Grid) -> AxialDiameters | None:
    """Longest diameter and longest perpendicular in the axial plane with the largest area, in world mm; None where empty.

    Axial planes are the grid's own slices along the array axis closest to the head-foot direction: on an oblique
    acquisition the planes that were acquired, as a reader measures them.
    """
    axis = axial_axis(grid)
    planes = np.moveaxis(mask, axis, 0)
    counts = planes.reshape(len(planes), -1).sum(axis=1)
    if not counts.any():
        return None
    index = int(counts.argmax())
    found = ndimage.find_objects(planes[index].astype(np.uint8))[0]
    piece = planes[index][found]
    a, b = (other for other in range(3) if other != axis)
    matrix = _plane_matrix(grid, (a, b))
    length, direction = _longest(np.argwhere(piece & ~ndimage.binary_erosion(piece)) @ matrix.T, matrix)
    centre = np.empty(3)
    centre[[axis, a, b]] = [index, *(np.argwhere(piece).mean(axis=0) + [s.start for s in found])]
    return AxialDiameters(
        slice_index=index,
        height_mm=float(grid.to_world(centre)[2]),
        area_mm2=float(counts[index] * abs(np.linalg.det(matrix))),
        longest_mm=length,
        perpendicular_mm=_longest_chord(piece, matrix, direction),
    )
