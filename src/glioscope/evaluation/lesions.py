"""The lesions of one region in one map: numbered, with their surfaces."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from glioscope.evaluation.bits import positions, shifted
from glioscope.evaluation.components import Components
from glioscope.evaluation.surface import Surface
from glioscope.evaluation.surfels import area_table, codes_at, corners_of, is_surface

__all__ = ["Lesions", "border_voxels", "numbered_surface", "surface_elements"]


@dataclass(frozen=True)
class Lesions:
    """Parts of a region gathered into lesions.

    Attributes:
        parts: The parts in voxels.
        numbers: (parts.count + 1,) lesion that each part belongs to, from 1; 0 for a part that is left out.
    """

    parts: Components
    numbers: NDArray[np.int64]

    @property
    def count(self) -> int:
        """The largest lesion number; not every smaller one need be in use."""
        return int(self.numbers.max())

    def sizes(self) -> NDArray[np.int64]:
        """(count + 1,) voxels of each lesion; entry 0 those of the parts left out."""
        sizes = np.zeros(self.count + 1, np.int64)
        np.add.at(sizes, self.numbers[1:], self.parts.sizes[1:])
        return sizes

    @cached_property
    def corners(self) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64], NDArray[np.bool_]]:
        """Grid corners on the surface of all parts, with their codes and a voxel each; and the grid of corners inside."""
        corners, inside = corners_of(self.parts.words, self.parts.mask.shape[2])
        return corners, *codes_at(self.parts.mask, corners), inside

    def owners(self) -> NDArray[np.int64]:
        """(parts.count + 1,) `numbers`, with parts left out under a number of their own after the last lesion."""
        return np.where(self.numbers > 0, self.numbers, self.count + 1)


def surface_elements(lesions: Lesions, spacing: tuple[float, float, float], *, keep_rest: bool) -> Surface:
    """Surface elements with their areas (mm2).

    Args:
        lesions: With their voxels.
        spacing: Edge lengths of a voxel (mm).
        keep_rest: Whether the surface of parts left out is there too, under a number after the last lesion.
    """
    mask = lesions.parts.mask
    corners, codes, voxels, _ = lesions.corners
    # Parts are at least a voxel apart, corners included, so that no grid corner belongs to two.
    owners = (lesions.owners() if keep_rest else lesions.numbers)[lesions.parts.at(voxels)]
    surface = Surface(_grid(mask), corners, owners, area_table(spacing)[codes])
    return surface if keep_rest else surface.take(owners > 0)


def numbered_surface(lesions: Lesions, spacing: tuple[float, float, float]) -> Surface:
    """Surface elements as they come out when a map of lesion numbers is taken for a mask of bytes.

    Codes are multiplied by the lesion number and wrap at 256: inside lesions from number 2 on every corner counts as surface.
    """
    if lesions.count < 2:
        return surface_elements(lesions, spacing, keep_rest=False)
    mask = lesions.parts.mask
    outer, codes, voxels, full = lesions.corners
    inner = np.flatnonzero(full[:-1, :-1, :-1])  # the last voxel of eight has the corner's own indices
    numbers = lesions.numbers[lesions.parts.at(np.concatenate([voxels, inner]))]
    corners = np.concatenate([outer, np.flatnonzero(full)])
    wrapped = np.append(codes, np.full(len(inner), 255, np.uint8)) * numbers.astype(np.uint8)
    chosen = is_surface(wrapped)
    return Surface(_grid(mask), corners[chosen], numbers[chosen], area_table(spacing)[wrapped[chosen]])


def border_voxels(lesions: Lesions) -> Surface:
    """Voxels of the lesions that have a face neighbour outside, or lie at the end of the image; all of area 1."""
    mask = lesions.parts.mask
    words = inner = lesions.parts.words
    for axis, step in product(range(3), (-1, 1)):
        inner = inner & shifted(words, axis, step)
    points = positions(np.ascontiguousarray((words & ~inner)[:-1, :-1]), mask.shape[2])
    numbers = lesions.numbers[lesions.parts.at(points)]
    surface = Surface(mask.shape, points, numbers, np.ones(len(points)))
    return surface.take(numbers > 0)


def _grid(mask: NDArray[np.bool_]) -> tuple[int, int, int]:
    x, y, z = mask.shape
    return x + 1, y + 1, z + 1
