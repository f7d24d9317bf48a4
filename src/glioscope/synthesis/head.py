"""What lies around a brain: skull, scalp and face."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.synthesis.anatomy import Anatomy
from glioscope.synthesis.fields import smooth_field, stretched
from glioscope.synthesis.template import BRATS_GRID, brats_part

__all__ = ["with_head"]


def with_head(anatomy: Anatomy, rng: np.random.Generator) -> Anatomy:
    """The whole head on `BRATS_GRID`: layers of fluid, bone with marrow, fat and muscle outside the brain, and a face.

    Args:
        anatomy: A brain on a part of that grid.
        rng: Where all randomness comes from.
    """
    part = brats_part(anatomy.grid)
    solid = np.zeros(BRATS_GRID.shape, np.float32)
    solid[part] = np.clip(0.5 - anatomy.surface, 0, 1)
    fractions = {}
    for name, fraction in anatomy.fractions.items():
        if name != "scrap":
            fractions[name] = np.zeros(BRATS_GRID.shape, np.float32)
            fractions[name][part] = fraction
    fractions["dura"] *= solid  # what of it lies outside is bone here
    for name, layer in _layers(solid > 0.5, rng).items():
        fractions[name] = fractions.get(name, 0) + layer * (1 - solid)
    surface = np.full(BRATS_GRID.shape, 30, np.float32)
    surface[part] = anatomy.surface
    return Anatomy(BRATS_GRID, fractions, solid > 0.5, surface)


def _layers(brain: NDArray[np.bool_], rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """Fluid, bone, fat and muscle in layers around the brain, and a face in front of and below it (LPS order)."""
    distance = _distance(brain) + np.float32(0.8) * smooth_field(rng, brain.shape, 30)
    marrow = 0.6 * _between(distance, 4.5, 6.5)
    corners = np.argwhere(brain[::2, ::2, ::2]) * 2
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
    return {name: (layer * (1 - nose)).astype(np.float32) for name, layer in layers.items()}


def _between(distance: NDArray[np.float32], inner: float, outer: float) -> NDArray[np.float32]:
    """1 where `distance` (mm) lies between `inner` and `outer`, with ramps of 1 mm at both ends."""
    return np.asarray(np.clip(np.minimum(distance - inner + 0.5, outer - distance + 0.5), 0, 1), np.float32)


def _distance(brain: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Distance in mm to a brain on a 1 mm grid, computed at 2 mm."""
    coarse = ndimage.distance_transform_edt(~brain[::2, ::2, ::2], sampling=2.0).astype(np.float32)
    coarse = ndimage.gaussian_filter(coarse, 2.5)  # a skull is smoother than what it holds
    return stretched(coarse, brain.shape)
