"""The longest diameter of the body that a mask of voxels stands for, in two or three dimensions."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull, HalfspaceIntersection, QhullError
from scipy.spatial.distance import cdist

__all__ = ["BodyHull", "hull_of_body", "longest_diameter"]

Points = NDArray[np.float64]

_SAME = 1e-5  # of a voxel, or mm
_CORNER = np.cos(np.radians(75))
_FACE = 4  # voxels that a face of a corner keeps out at least; in space the square of it
_TOWARDS_TIP = 0.7
_AT_MOST = 1.5  # voxels that a face is moved where no voxel outside tells
_REACH = 1.0  # voxels by which a tip may lie beyond the centres
_TILT = np.pi / 6
_LUCK = 0.7


@dataclass(frozen=True)
class BodyHull:
    """Points in mm, (n, d) each, whose common convex hull is that of a body.

    Attributes:
        centres: The outermost voxel centres.
        corners: Where faces of the body meet in a corner.
        bows: On its surface elsewhere.
    """

    centres: Points
    corners: Points
    bows: Points

    @property
    def points(self) -> Points:
        """All of them."""
        return np.concatenate([self.centres, self.corners, self.bows])


def hull_of_body(mask: NDArray[np.bool_], matrix: Points) -> BodyHull:
    """The convex hull of the body that has the centres of a mask's voxels within, and those of the voxels around it outside.

    The hull of the centres within is too small. The faces of it that the body needs move out, and meet in tips. A tip is a
    corner of the body where large faces meet in it and turn by 75 degrees or more; elsewhere the body bows, and comes 0.7 of
    the way from the centres to the tip, as ellipses do on average. A mask a voxel thick stands for its voxels.

    Args:
        mask: (d arrays of) voxels, at least one of them in it; d is 2 or 3.
        matrix: (d, d), the voxel's edges in mm as columns.
    """
    inside, outside = _both_sides(mask)
    try:
        hull = ConvexHull(inside)
    except (QhullError, ValueError):  # all in one plane or on one line
        voxels = _hull_of_voxels(inside) @ matrix.T
        return BodyHull(voxels, voxels, voxels[:0])
    centres = inside[hull.vertices]
    normals = np.unique(hull.equations.round(8), axis=0)[:, :-1]
    offsets = (centres @ normals.T).max(axis=0)
    needed, size, gap = _needed_faces(outside, normals, offsets)
    feet = np.abs(centres @ normals[needed].T - offsets[needed]) < _SAME
    middles = (feet.T @ centres) / feet.sum(axis=0)[:, None] + gap[:, None] * normals[needed]

    moved = offsets + _AT_MOST
    moved[needed] = offsets[needed] + gap
    axes = np.concatenate([np.eye(mask.ndim), -np.eye(mask.ndim)])  # flat bodies have tips far aside
    normals, moved = np.concatenate([normals, axes]), np.concatenate([moved, (centres @ axes.T).max(axis=0) + _AT_MOST])
    tips = HalfspaceIntersection(np.column_stack([normals, -moved]), centres.mean(axis=0)).intersections
    meeting = (np.abs(tips @ normals.T - moved) < 10 * _SAME).astype(float)
    large = needed[size >= _FACE ** (mask.ndim - 1)]
    upright = normals[large] @ np.linalg.inv(matrix)
    upright /= np.linalg.norm(upright, axis=1)[:, None]
    corner = ((meeting[:, large] @ (upright @ upright.T < _CORNER)) * meeting[:, large]).any(axis=1)
    outwards = meeting @ normals
    outwards /= np.linalg.norm(outwards, axis=1)[:, None]
    overhang = (tips * outwards).sum(axis=1) - (outwards @ centres.T).max(axis=1)
    reach = np.where(corner, 1, _TOWARDS_TIP) * np.minimum(overhang, _REACH)
    tips += (reach - overhang)[:, None] * outwards
    return BodyHull(centres @ matrix.T, tips[corner] @ matrix.T, np.concatenate([tips[~corner], middles]) @ matrix.T)


def _both_sides(mask: NDArray[np.bool_]) -> tuple[Points, Points]:
    """Indices of the outermost voxels of a mask, and of the voxels around it that do not lie between two of them."""
    box = ndimage.find_objects(mask.astype(np.uint8))[0]
    padded = np.pad(mask[box], 1)
    filled = padded.copy()
    for axis in range(mask.ndim):
        before, after = (np.logical_or.accumulate(side, axis) for side in (padded, np.flip(padded, axis)))
        filled |= before & np.flip(after, axis)
    around = ndimage.binary_dilation(padded, np.ones((3,) * mask.ndim)) & ~filled
    start = np.array([side.start - 1 for side in box], float)
    return np.argwhere(padded & ~ndimage.binary_erosion(filled)) + start, np.argwhere(around) + start


def _needed_faces(
    outside: Points, normals: Points, offsets: Points
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """The faces of a hull that keep all points outside out, of how many of them each is the farthest, and how far it moves.

    A face moves half way to the nearest of the points that no other face is farther from. More faces than the body has keep a
    point out, as at a corner: needed is the one that is the farthest from most.
    """
    point, face, above = _beyond(outside, normals, offsets)
    height, most = np.zeros(len(outside)), np.zeros(len(outside), int)
    np.maximum.at(height, point, above)
    farthest = above >= height[point] - _SAME
    size = np.bincount(face[farthest], minlength=len(normals))
    gap = np.full(len(normals), np.inf)
    np.minimum.at(gap, face[farthest], above[farthest] / 2)
    kept_out = above > gap[face] + _SAME
    point, face = point[kept_out], face[kept_out]
    np.maximum.at(most, point, size[face])
    needed = np.unique(face[size[face] == most[point]])
    return needed, size[needed], gap[needed]


def _beyond(points: Points, normals: Points, offsets: Points) -> tuple[NDArray[np.intp], NDArray[np.intp], Points]:
    """Which points lie beyond which faces, and how far."""
    found = []
    for start in range(0, len(points), 2000):  # a block at a time keeps the table small
        above = points[start : start + 2000] @ normals.T - offsets
        point, face = np.nonzero(above > _SAME)
        found.append((point + start, face, above[point, face]))
    point, face, above = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return point, face, above


def _hull_of_voxels(indices: Points) -> Points:
    corners = np.concatenate([indices + side for side in product((-0.5, 0.5), repeat=indices.shape[1])])
    return np.asarray(corners[ConvexHull(corners).vertices])


def longest_diameter(hull: BodyHull) -> tuple[float, Points]:
    """The longest distance between two points of a body in mm, and the directions, (k, d), in which it is as long.

    Of the many pairs that are about as far from each other as the farthest, as in a ball, the farthest is one that was placed
    too far out. So the rounder the body, the less is added to the distance of the farthest centres: 0.7 of it less where the
    width of the body 30 degrees beside its longest diameter is the same, nothing less where it has fallen to cos 30. Corners
    are where they are.
    """
    least, directions = _farthest(hull.centres)
    length, found = _farthest(hull.points)
    tilted = [np.cos(_TILT) * direction + np.sin(_TILT) * _around(direction) for direction in directions]
    width = np.ptp(hull.centres @ np.concatenate(tilted).T, axis=0).mean() / least
    roundness = np.clip((width - np.cos(_TILT)) / (1 - np.cos(_TILT)), 0, 1)
    length = least + (1 - _LUCK * roundness) * (length - least)
    if len(hull.corners) > 1:
        length, found = max((length, found), _farthest(hull.corners), key=lambda pair: pair[0])
    return float(length), found


def _around(direction: Points) -> Points:
    """Unit vectors perpendicular to a direction: two in the plane, 16 in space."""
    across = np.linalg.svd(direction[None])[2][1:]
    if len(across) == 1:
        return np.concatenate([across, -across])
    angles = np.arange(16)[:, None] * np.pi / 8
    return np.asarray(np.cos(angles) * across[0] + np.sin(angles) * across[1])


def _farthest(points: Points) -> tuple[float, Points]:
    """The distance of the two farthest of at least two points, and the directions, (k, d), of all pairs that are as far."""
    best, directions = 0.0, points[:0]
    for start in range(0, len(points), 1000):  # a block at a time keeps the distance table small
        distances = cdist(points[start : start + 1000], points[start:])
        length = float(distances.max())
        if length > best + _SAME:
            directions = points[:0]
        best = max(best, length)
        first, second = np.nonzero(np.triu(distances) > best - _SAME)
        directions = np.concatenate([directions, (points[start + second] - points[start + first]) / best])
    return best, directions
