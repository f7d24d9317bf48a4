"""How deep a U-Net may be for a patch: which axes are halved where, and the size of its kernels."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Topology", "topology_of"]

Triple = tuple[int, int, int]

SMALLEST_EDGE = 4
"""Voxels of the deepest features along each axis: an axis is halved while it has twice as many."""
ANISOTROPY = 2.0
"""An axis whose voxels are this many times longer than the shortest is not yet halved or looked along."""


@dataclass(frozen=True)
class Topology:
    """The stages of a U-Net, from full resolution down.

    Attributes:
        strides: Of each stage; the first is 1, 1, 1.
        kernels: Of each stage's convolutions.
    """

    strides: tuple[Triple, ...]
    kernels: tuple[Triple, ...]

    @property
    def divisor(self) -> Triple:
        """What the sides of a patch are multiples of."""
        x, y, z = (math.prod(stride[axis] for stride in self.strides) for axis in range(3))
        return x, y, z

    def features(self, base: int, largest: int) -> tuple[int, ...]:
        """Features of each stage: doubled with each, up to `largest`."""
        return tuple(min(largest, base * 2**stage) for stage in range(len(self.strides)))


def topology_of(patch: Triple, spacing: tuple[float, float, float]) -> Topology:
    """The stages for a patch of voxels of `spacing` mm.

    An axis is halved while 8 voxels or more are left, those with long voxels only once the others have caught up to less than
    twice; a kernel spans 3 voxels along an axis from the stage on where its voxels are less than twice the shortest, before
    that 1. Along a last single axis it ends at 12 voxels. Source: Isensee et al., Nature Methods 2021, supplementary note 2
    ("Architecture topology").
    """
    size, mm = list(patch), list(spacing)
    strides: list[Triple] = [(1, 1, 1)]
    kernels: list[Triple] = []
    kernel = [1, 1, 1]
    while True:
        kernel = [3 if k == 3 or mm[axis] / min(mm) < ANISOTROPY else 1 for axis, k in enumerate(kernel)]
        axes = [axis for axis in range(3) if size[axis] >= 2 * SMALLEST_EDGE]
        axes = [axis for axis in axes if mm[axis] / min(mm[a] for a in axes) < ANISOTROPY]
        if not axes or (len(axes) == 1 and size[axes[0]] < 3 * SMALLEST_EDGE):
            break
        kernels.append((kernel[0], kernel[1], kernel[2]))
        strides.append((1 + (0 in axes), 1 + (1 in axes), 1 + (2 in axes)))
        size = [math.ceil(n / 2) if axis in axes else n for axis, n in enumerate(size)]
        mm = [s * 2 if axis in axes else s for axis, s in enumerate(mm)]
    return Topology(tuple(strides), (*kernels, (3, 3, 3)))
