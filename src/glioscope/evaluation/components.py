"""Connected components of a region, and the lesions they grow together to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cc3d
import numpy as np
from numpy.typing import NDArray

from glioscope.evaluation.bits import Words, grow, pack, unpack

__all__ = ["Box", "Components", "bounding_box", "box_of", "find_components"]

Box = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Components:
    """Numbered parts of one region of one map.

    Attributes:
        mask: (X, Y, Z) the region.
        words: The region packed, with room for one voxel more along each axis.
        reach: (X, Y, Z) part that each voxel of the region, or of its grown parts, belongs to, 1 to `count`; 0 elsewhere.
        voxels: Positions of the region's voxels in the flattened map, ascending.
        sizes: (count + 1,) voxels of each part; entry 0 is 0.
        grown: Whether parts that grow together are one; else each is a 26-connected component.
    """

    mask: NDArray[np.bool_]
    words: Words
    reach: NDArray[np.unsignedinteger]
    voxels: NDArray[np.int64]
    sizes: NDArray[np.int64]
    grown: bool

    @property
    def count(self) -> int:
        """Number of parts."""
        return len(self.sizes) - 1

    def at(self, positions: NDArray[np.int64]) -> NDArray[np.unsignedinteger]:
        """Part at each position of the flattened map where the region or its reach is."""
        return self.reach.ravel()[positions]

    def ids(self, box: Box) -> NDArray[np.unsignedinteger]:
        """Part of each voxel of the region within a box; 0 is background."""
        return np.where(self.mask[box], self.reach[box], self.reach.dtype.type(0))


def bounding_box(mask: NDArray[np.bool_], margin: int = 0) -> Box | None:
    """The smallest box around the mask, wider by `margin` voxels where the image allows; None for an empty mask."""
    plane: NDArray[np.bool_] = np.any(mask, axis=0)
    return box_of((np.any(mask, axis=(1, 2)), np.any(plane, axis=1), np.any(plane, axis=0)), margin)


def box_of(profiles: Sequence[NDArray[np.bool_]], margin: int = 0) -> Box | None:
    """The same from where the mask has voxels along each axis."""
    if not profiles[1].any():
        return None
    box = []
    for profile in profiles:
        inside = np.flatnonzero(profile)
        box.append(slice(max(int(inside[0]) - margin, 0), min(int(inside[-1]) + 1 + margin, len(profile))))
    return box[0], box[1], box[2]


def find_components(mask: NDArray[np.bool_], dilation: int, *, merge: bool) -> Components:
    """Parts of a mask in a box that leaves `dilation` voxels around it, except where the image ends.

    Args:
        mask: (X, Y, Z), C order; the numbers follow the order of the voxels.
        dilation: Steps of growth that make `reach`.
        merge: Whether parts that grow together are one; else parts are 26-connected components and reach no farther.
    """
    voxels = np.flatnonzero(mask)
    words = pack(mask, room=1)
    grown = merge and dilation > 0
    reach = _label(unpack(grow(words[:-1, :-1], dilation), mask.shape[2]) if grown else mask)
    return Components(mask, words, reach, voxels, np.bincount(reach.ravel()[voxels], minlength=1), grown)


def _label(mask: NDArray[np.bool_]) -> NDArray[np.unsignedinteger]:
    ids: NDArray[np.unsignedinteger] = cc3d.connected_components(mask, connectivity=26, binary_image=True)
    return ids
