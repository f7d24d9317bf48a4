"""What lies around a brain: skull, scalp and face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import Grid
from glioscope.synthesis.anatomy import Anatomy
from glioscope.synthesis.fields import Window, along, smooth_field, stretched
from glioscope.synthesis.template import BRATS_GRID, brats_part

__all__ = ["Head", "with_head"]

ROOM = ((14, 14), (34, 14), (52, 14))
"""Voxels before and after the window of a brain that skull, scalp and face need along each axis."""


@dataclass(frozen=True, eq=False)
class Head:
    """A brain and what lies around it; apart, as what is inside the skull fills a third of the space.

    Attributes:
        grid: 1 mm, LPS, a part of the BraTS grid.
        around: Tissue (`csf`, `bone`, `fat`, `muscle`) -> part of each voxel that it fills, float32 in [0, 1], on `grid`.
        inside: The brain on its own part of the grid, cut where the bone begins; `brain` is the exact mask.
        part: The voxels of `grid` that `inside` has.
    """

    grid: Grid
    around: Mapping[str, NDArray[np.float32]]
    inside: Anatomy
    part: Window


def with_head(anatomy: Anatomy, rng: np.random.Generator) -> Head:
    """The whole head: layers of fluid, bone with marrow, fat and muscle outside the brain, and a face.

    Args:
        anatomy: A brain on a part of `BRATS_GRID`.
        rng: Where all randomness comes from.
    """
    window = brats_part(anatomy.grid)
    lower = [max(0, w.start - before) for w, (before, _) in zip(window, ROOM, strict=True)]
    upper = [min(n, w.stop + after) for w, n, (_, after) in zip(window, BRATS_GRID.shape, ROOM, strict=True)]
    grid = BRATS_GRID.cropped(lower, upper)
    x, y, z = (slice(w.start - low, w.stop - low) for w, low in zip(window, lower, strict=True))
    solid = np.clip(0.5 - anatomy.surface, 0, 1)
    fractions = {name: fraction for name, fraction in anatomy.fractions.items() if name != "scrap"}
    fractions["dura"] = fractions["dura"] * solid  # what of it lies outside is bone here
    brain = np.zeros(grid.shape, np.bool_)
    brain[x, y, z] = solid > 0.5
    around = _layers(brain, rng)
    for layer in around.values():
        layer[x, y, z] *= 1 - solid
    return Head(grid, around, replace(anatomy, fractions=fractions, brain=solid > 0.5), (x, y, z))


def _layers(brain: NDArray[np.bool_], rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """Fluid, bone, fat and muscle in layers around the brain, and a face in front of and below it (LPS order)."""
    distance = _distance(brain) + np.float32(0.8) * smooth_field(rng, brain.shape, 30)
    corners = np.argwhere(brain[::2, ::2, ::2]) * 2
    middle, (_, front, bottom) = corners.mean(axis=0), corners.min(axis=0)
    x, y, z = (along(np.arange(n), axis) for axis, n in enumerate(brain.shape))
    radius = np.sqrt(
        ((x - float(middle[0])) / 48) ** 2 + ((y - float(front) - 25) / 45) ** 2 + ((z - float(bottom) - 8) / 48) ** 2
    )
    face = np.clip((1 - radius) * 24, 0, 1) * np.clip(distance - 8, 0, 1)
    bone, scalp, skin = (_between(distance, inner, outer) for inner, outer in ((2.5, 8.5), (8.5, 13.5), (13.5, 15)))
    marrow = 0.6 * _between(distance, 4.5, 6.5)
    layers = {
        "csf": _between(distance, -9, 2.5),
        "bone": bone * (1 - marrow),
        "fat": np.maximum(bone * marrow, np.maximum(scalp, 0.35 * face)),
        "muscle": np.maximum(skin, 0.65 * face * (1 - scalp)),
    }
    flesh = 1 - np.clip((0.35 - radius) * 24, 0, 1)  # what is not nose
    for layer in layers.values():
        np.multiply(layer, flesh, out=layer)
    return layers


def _between(distance: NDArray[np.float32], inner: float, outer: float) -> NDArray[np.float32]:
    """1 where `distance` (mm) lies between `inner` and `outer`, with ramps of 1 mm at both ends."""
    out: NDArray[np.float32] = np.minimum(distance - np.float32(inner - 0.5), np.float32(outer + 0.5) - distance)
    np.clip(out, 0, 1, out=out)
    return out


def _distance(brain: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Distance in mm to a brain on a 1 mm grid, computed at 2 mm."""
    coarse = ndimage.distance_transform_edt(~brain[::2, ::2, ::2], sampling=2.0).astype(np.float32)
    coarse = ndimage.gaussian_filter(coarse, 2.5)  # a skull is smoother than what it holds
    return stretched(coarse, brain.shape)
