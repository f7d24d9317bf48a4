"""What an operation leaves: a cavity in the place of the core, pieces of an enhancing rim, oedema."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.synthesis.fields import along, smooth_field
from glioscope.synthesis.tumour import TumourFields

__all__ = ["known_far_away", "one_place", "one_side", "resected"]

COMPLETE = 0.45
"""Part of the operations that leave nothing that enhances."""

FAR = 40.0
"""Depth outside a core in mm, from which on no operation and no wavy border makes a difference."""

WHOLLY = 3.0
"""Depth in mm below the border of what enhances, where all of the core does: the border of the core is then its own."""


def resected(fields: TumourFields, rng: np.random.Generator, residual_ml: float | None = None) -> TumourFields:
    """The tumour after its core was cut out, with a margin or, on one side, without all of it.

    Residual tumour is a broken rim at the cavity's wall, mostly of 2 to 5 mm, and what lay beyond the side where the surgeon
    stopped. Oedema has shrunk, by as much as half of its depth.

    Args:
        fields: The tumour before surgery.
        rng: Where all randomness comes from.
        residual_ml: About how much of it that enhances is left, in one place; less where there is less. None draws it.
    """
    shape, step = fields.core.shape, fields.step
    core = fields.core
    if not (core > 0).any():  # a tumour without core is cut out in its middle
        core = fields.whole - np.float32(0.4 * float(fields.whole.max()))
    core = known_far_away(core, step)
    wavy = np.float32(1.6) * smooth_field(rng, shape, 12 / step)
    cavity = ndimage.gaussian_filter(np.clip(core, -FAR, 12), 1.5 / step) + np.float32(rng.uniform(-1.0, 3.0)) + wavy
    if rng.random() < 0.5:
        cavity = np.minimum(cavity, one_side(core, step, rng))
    if not (cavity > 0).any():
        cavity = core
    broken = smooth_field(rng, shape, 14 / step) + np.float32(rng.uniform(-1.2, 0.4))
    rim = np.float32(rng.uniform(1.5, 5.0)) * np.clip(broken, -1, 1)
    wall = np.minimum(rim + cavity, rim)  # as thick as `rim`, outside the cavity
    left = np.minimum(core, -cavity)
    residual = np.maximum(left, wall)
    enhancing = np.where(wall > left, np.float32(WHOLLY), fields.enhancing)
    complete = rng.random() < COMPLETE
    if residual_ml:
        residual = np.minimum(residual, one_place(np.minimum(np.minimum(residual, enhancing), -cavity), step, residual_ml, rng))
    elif complete or residual_ml is not None:
        residual = np.minimum(residual, -1)
        enhancing = np.full(shape, -1, np.float32)
    shrunk = fields.whole - np.float32(rng.uniform(0, 0.5)) * np.clip(fields.whole - np.maximum(core, 0), 0, None)
    around = cavity + np.float32(rng.uniform(1, 6)) + wavy
    return replace(
        fields,
        whole=np.maximum(np.minimum(shrunk, fields.whole), around).astype(np.float32),
        core=residual.astype(np.float32),
        enhancing=enhancing.astype(np.float32),
        cavity=cavity.astype(np.float32),
    )


def known_far_away(core: NDArray[np.floating], step: float) -> NDArray[np.float32]:
    """`core` with a depth that falls with the distance; were it the same far away, a wavy border would cut anywhere."""
    distance = ndimage.distance_transform_edt(core <= 0, sampling=step)
    return np.asarray(np.minimum(core, step - distance), np.float32)


def one_side(core: NDArray[np.floating], step: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Depth in mm below a plane through the core, beyond which nothing is cut."""
    inside = np.argwhere(core > 0)
    normal = rng.standard_normal(3)
    normal /= np.linalg.norm(normal)
    x, y, z = (along(n * np.arange(size), axis) for axis, (n, size) in enumerate(zip(normal, core.shape, strict=True)))
    border = np.quantile(inside @ normal, rng.uniform(0.55, 0.95))
    return np.asarray((border - (x + y + z)) * step, np.float32)


def one_place(depth: NDArray[np.floating], step: float, volume_ml: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Depth in mm below the ball around a random place of a body that holds about `volume_ml` of it."""
    inside = np.argwhere(depth > 0)
    if not len(inside):
        return np.full(depth.shape, -1, np.float32)
    centre = inside[rng.integers(len(inside))]
    x, y, z = (along((np.arange(size) - c) ** 2, axis) for axis, (c, size) in enumerate(zip(centre, depth.shape, strict=True)))
    away = step * np.sqrt(x + y + z)
    filled = np.clip(depth / step + 0.5, 0, 1).ravel()  # of each voxel
    order = np.argsort(away, axis=None, kind="stable")
    reached = np.cumsum(filled[order]) * step**3 / 1000
    last = order[min(int(np.searchsorted(reached, volume_ml)), order.size - 1)]
    return np.asarray(away.flat[last] - away, np.float32)
