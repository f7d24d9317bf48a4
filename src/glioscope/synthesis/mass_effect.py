"""Healthy tissue moved aside by a growing core."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from glioscope.synthesis.deformation import COARSE

__all__ = ["mass_effect"]

SCREEN = 60.0
"""Distance in mm over which the push dies away besides its spreading out."""

LONGEST = 14.0
"""Largest displacement in mm."""

SOFT = 14.0
"""Depth in mm below the skull at which tissue gives way freely."""


def mass_effect(added: NDArray[np.floating], surface: NDArray[np.floating]) -> NDArray[np.float32]:
    """How far each point has come from where it was, in mm, float32 (3, x, y, z).

    The flow of an incompressible medium out of a source: the gradient of a potential, so volume is preserved outside the
    source. It dies away with distance, as if the medium gave a little, and towards the skull, through which nothing moves.

    Args:
        added: (x, y, z) on the lattice of `COARSE` mm; part of each voxel's volume that is added there.
        surface: Signed distance in mm to the border of the brain on the same lattice, negative inside.
    """
    shape = added.shape
    padded = [2 * n for n in shape]
    axes = [np.minimum(np.arange(n), n - np.arange(n)) * np.where(np.arange(n) < n / 2, 1.0, -1.0) * COARSE for n in padded]
    x, y, z = np.meshgrid(*axes, indexing="ij", sparse=True)
    distance = np.sqrt(x**2 + y**2 + z**2 + (COARSE / 2) ** 2)
    push = np.exp(-distance / SCREEN) / (4 * np.pi * distance**3) * COARSE**3
    source = fft.rfftn(added, padded)
    out = np.empty((3, *shape), np.float32)
    for axis, along in enumerate((x, y, z)):
        flow = fft.irfftn(source * fft.rfftn(push * along), padded)
        out[axis] = flow[: shape[0], : shape[1], : shape[2]]
    out *= np.clip(-np.asarray(surface, np.float32) / np.float32(SOFT), 0, 1)
    length = np.sqrt((out**2).sum(axis=0))
    out *= np.float32(LONGEST) * np.tanh(length / np.float32(LONGEST)) / np.maximum(length, 1e-6)
    return out
