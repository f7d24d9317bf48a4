"""Diameters of a mask in world millimetres, on grids of any orientation, obliquity and spacing."""

from __future__ import annotations

from dataclasses import dataclass

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull

from glioscope.core import Grid
from glioscope.measurement.calliper import BodyHull, hull_of_body, longest_diameter

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


def feret_diameter(mask: NDArray[np.bool_], grid: Grid) -> float:
    """Maximum 3-D Feret (calliper) diameter in mm: the longest distance between two points of the mask; 0 where it is empty."""
    return longest_diameter(hull_of_body(mask, grid.affine[:3, :3]))[0] if mask.any() else 0.0


def _plane_matrix(grid: Grid, axes: tuple[int, int]) -> NDArray[np.float64]:
    """2x2 matrix from in-plane indices to orthonormal in-plane coordinates in mm (a sheared plane is honoured)."""
    u, v = grid.affine[:3, axes[0]], grid.affine[:3, axes[1]]
    first = u / np.linalg.norm(u)
    along = float(v @ first)
    return np.array([[np.linalg.norm(u), along], [0.0, np.linalg.norm(v - along * first)]])


def _section(edges: NDArray[np.float64], station: float) -> tuple[float, float] | None:
    """Least and greatest second coordinate of edges, (2 ends, n, 2), where the first is `station`; None where none is there."""
    (t0, t1), (p0, p1) = edges[..., 0], edges[..., 1]
    cut = (np.minimum(t0, t1) <= station) & (station < np.maximum(t0, t1))
    if not cut.any():
        return None
    across = (p0 + (station - t0) / np.where(cut, t1 - t0, 1) * (p1 - p0))[cut]
    return float(across.min()), float(across.max())


def _longest_chord(
    mask: NDArray[np.bool_], matrix: NDArray[np.float64], hull: BodyHull, direction: NDArray[np.float64]
) -> float:
    """Longest distance between two points of the outline on one line perpendicular to the unit vector `direction`.

    The outline is the body's hull. Where it keeps half a pixel or more within that, it runs through the middle of the pixels'
    faces, and a quarter of a pixel is taken off, since the longest of many chords is one that ends on a step outwards.
    """
    import contourpy

    turn = np.array([direction, [-direction[1], direction[0]]]).T
    lines = contourpy.contour_generator(z=np.pad(mask, 1).T.astype(float)).lines(0.5)
    outlines = [(np.asarray(line) - 1) @ matrix.T @ turn for line in lines]
    outline = np.concatenate([np.stack([points[:-1], points[1:]]) for points in outlines], axis=1)
    around = hull.points[ConvexHull(hull.points).vertices] @ turn
    around_edges = np.stack([around, np.roll(around, -1, axis=0)])
    pixel = float(np.linalg.norm(matrix.T @ turn[:, 1]))
    step = np.abs(np.diag(matrix)).min() / 4
    stations = np.arange(outline[..., 0].min() + step / 2, outline[..., 0].max(), step)
    longest = 0.0
    for station in np.concatenate([stations, around[:, 0]]):
        found, widest = _section(outline, station), _section(around_edges, station)
        if found is None or widest is None:  # between two pieces that are joined in another slice, or beyond the ends
            continue
        low = widest[0] if found[0] < widest[0] + pixel / 2 else found[0] + pixel / 4
        high = widest[1] if found[1] > widest[1] - pixel / 2 else found[1] - pixel / 4
        longest = max(longest, high - low)
    return longest


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
    hull = hull_of_body(piece, matrix)
    length, directions = longest_diameter(hull)
    centre = np.empty(3)
    centre[[axis, a, b]] = [index, *(np.argwhere(piece).mean(axis=0) + [s.start for s in found])]
    return AxialDiameters(
        slice_index=index,
        height_mm=float(grid.to_world(centre)[2]),
        area_mm2=float(counts[index] * abs(np.linalg.det(matrix))),
        longest_mm=length,
        perpendicular_mm=max(_longest_chord(piece, matrix, hull, direction) for direction in directions),
    )
