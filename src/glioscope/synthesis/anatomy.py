"""A head without disease: the tissue maps of SRI24, deformed at random, with skull, scalp and face around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import Grid, read_volume
from glioscope.synthesis.fields import smooth_field

__all__ = ["Anatomy", "deformed_anatomy"]

DEFORMATION = 3.0
"""Standard deviation in mm of the random displacement along each axis."""

DEFORMATION_SCALE = 45.0
"""Distance in mm over which the displacement varies."""


@dataclass(frozen=True)
class Anatomy:
    """What fills each voxel of a head.

    Attributes:
        grid: 1 mm, 240 x 240 x 155 voxels, LPS: the BraTS grid.
        fractions: Tissue name (`csf`, `gm`, `wm`, `bone`, `fat`, `muscle`, and tumour parts once one has grown) -> part of
            the voxel that it fills, float32 in [0, 1]; the rest is air.
        brain: bool, brain with its fluid spaces.
    """

    grid: Grid
    fractions: Mapping[str, NDArray[np.float32]]
    brain: NDArray[np.bool_]


def _between(distance: NDArray[np.float32], inner: float, outer: float) -> NDArray[np.float32]:
    """1 where `distance` (mm) lies between `inner` and `outer`, with ramps of 1 mm at both ends."""
    return np.asarray(np.clip(np.minimum(distance - inner + 0.5, outer - distance + 0.5), 0, 1), np.float32)


def _distance(brain: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Distance in mm to a brain on a 1 mm grid, computed at 2 mm."""
    coarse = ndimage.distance_transform_edt(~brain[::2, ::2, ::2], sampling=2.0).astype(np.float32)
    coarse = ndimage.gaussian_filter(coarse, 2.5)  # a skull is smoother than what it holds
    zoom = [n / m for n, m in zip(brain.shape, coarse.shape, strict=True)]
    return np.asarray(ndimage.zoom(coarse, zoom, order=1, mode="nearest", grid_mode=True), np.float32)


def _around(brain: NDArray[np.bool_], rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """Fluid, bone, fat and muscle outside the brain, in layers, and a face in front of and below it (LPS order)."""
    distance = _distance(brain) + 0.8 * smooth_field(rng, brain.shape, 30)
    outside = ~brain
    marrow = 0.6 * _between(distance, 4.5, 6.5)
    corners = np.argwhere(brain)
    middle, (_, front, bottom) = corners.mean(axis=0), corners.min(axis=0)
    x, y, z = np.ogrid[tuple(slice(n) for n in brain.shape)]
    radius = np.sqrt(((x - middle[0]) / 48) ** 2 + ((y - front - 25) / 45) ** 2 + ((z - bottom - 8) / 48) ** 2)
    face = np.clip((1 - radius.astype(np.float32)) * 24, 0, 1) * _between(distance, 8.5, 1e6)
    nose = np.clip((0.35 - radius.astype(np.float32)) * 24, 0, 1)
    scalp = _between(distance, 8.5, 13.5)
    skin = _between(distance, 13.5, 15)
    layers = {
        "csf": _between(distance, -9, 2.5),
        "bone": _between(distance, 2.5, 8.5) * (1 - marrow),
        "fat": np.maximum(_between(distance, 2.5, 8.5) * marrow, np.maximum(scalp, 0.35 * face)),
        "muscle": np.maximum(skin, 0.65 * face * (1 - scalp)),
    }
    return {name: (layer * outside * (1 - nose)).astype(np.float32) for name, layer in layers.items()}


def deformed_anatomy(maps: Mapping[str, Path], rng: np.random.Generator) -> Anatomy:
    """A random healthy head.

    Args:
        maps: `csf`, `gm`, `wm` -> probability maps of SRI24.
        rng: Where all randomness comes from.
    """
    affine = np.array([[-1.0, 0, 0, 0], [0, -1.0, 0, 239], [0, 0, 1.0, 0], [0, 0, 0, 1]])
    grid = Grid((240, 240, 155), affine)
    where = [
        np.arange(n, dtype=np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
        + np.float32(DEFORMATION) * smooth_field(rng, grid.shape, DEFORMATION_SCALE)
        for axis, n in enumerate(grid.shape)
    ]
    tissues: dict[str, NDArray[np.float32]] = {}
    inside = np.zeros(grid.shape, bool)
    inside[40:200, 30:230] = True  # the brain of SRI24 with 10 mm to spare
    points = np.stack([w[inside] for w in where])
    for name in ("csf", "gm", "wm"):
        source = read_volume(maps[name]).reoriented("LPS")
        tissues[name] = np.zeros(grid.shape, np.float32)
        tissues[name][inside] = ndimage.map_coordinates(source.data, points, order=1)
    total = tissues["csf"] + tissues["gm"] + tissues["wm"]
    brain = ndimage.binary_opening(total > 0.5, iterations=2)
    parts, count = ndimage.label(brain)
    brain = parts == 1 + int(np.bincount(parts.ravel(), minlength=count + 1)[1:].argmax())
    brain = ndimage.binary_fill_holes(brain)
    scale = np.where(brain, 1 / np.maximum(total, 0.05), 0).astype(np.float32)
    fractions = {name: tissue * scale for name, tissue in tissues.items()}
    fractions["csf"] = fractions["csf"] + np.where(brain & (total < 0.05), 1, 0).astype(np.float32)
    around = _around(brain, rng)
    fractions["csf"] = fractions["csf"] + around.pop("csf")
    return Anatomy(grid, {**fractions, **around}, brain)
