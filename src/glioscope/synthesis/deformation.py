"""Another head from the same template: turned, scaled, bent, with wider or narrower ventricles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.synthesis.acquisition import random_rigid
from glioscope.synthesis.fields import Window, along, smooth_field, stretched
from glioscope.synthesis.template import SHAPE, Template

__all__ = ["COARSE", "Deformation", "displaced", "lattice", "random_deformation"]

COARSE = 4
"""Spacing in mm of the lattice on which displacements are kept."""

BENDS = ((60.0, 2.2), (22.0, 0.6))
"""Scale and standard deviation along each axis, both in mm, of the random displacements."""


@dataclass(frozen=True, eq=False)
class Deformation:
    """Where in the template each point of the new head comes from; points are voxel indices of the box.

    Attributes:
        matrix: 3 x 4, the affine part.
        bend: float32 (3, x, y, z) on the lattice of `COARSE` mm, added to the result of the affine part.
    """

    matrix: NDArray[np.float64]
    bend: NDArray[np.float32]

    def source(self, moved: Sequence[NDArray[np.float32]], window: Window | None = None) -> NDArray[np.float32]:
        """Template points of voxels, float32 (3, X, Y, Z).

        Args:
            moved: Box indices of the voxels along each axis; see `lattice`.
            window: The part of the box that they are, in voxels of 1 mm; None where they fill the box.
        """
        matrix = self.matrix.astype(np.float32)
        out = []
        for row, bend in zip(matrix, self.bend, strict=True):
            point = row[0] * moved[0] + row[1] * moved[1] + row[2] * moved[2] + row[3]
            out.append(point + stretched(bend, SHAPE if window else point.shape, window))
        return np.stack(out)


def lattice(step: int) -> list[NDArray[np.float32]]:
    """Box indices of the centres of the voxels of `step` mm that fill the box, along each axis."""
    return [along(np.arange(n // step) * step + (step - 1) / 2, axis) for axis, n in enumerate(SHAPE)]


def displaced(shift: NDArray[np.float32] | None, window: Window) -> list[NDArray[np.float32]]:
    """Box indices at which each voxel of 1 mm in a window looks once a mass effect has moved it.

    Args:
        shift: The mass effect, (3, x, y, z) in mm on the lattice of `COARSE` mm; None for none.
        window: The part of the box.
    """
    at = [along(np.arange(n)[part], axis) for axis, (n, part) in enumerate(zip(SHAPE, window, strict=True))]
    return at if shift is None else [a + stretched(s, SHAPE, window) for a, s in zip(at, shift, strict=True)]


def random_deformation(template: Template, rng: np.random.Generator) -> Deformation:
    """A head of another person: up to 7 percent larger or smaller along each axis, up to 5 degrees turned."""
    turn = random_rigid(rng, 5.0, 4.0).matrix
    mirror = bool(rng.random() < 0.5)  # left and right are alike
    linear = turn[:3, :3] @ np.diag(rng.uniform(0.94, 1.07, 3) * [-1 if mirror else 1, 1, 1])
    middle = (np.array(SHAPE) - 1) / 2
    matrix = np.column_stack([linear, middle - linear @ middle + turn[:3, 3]])
    coarse = tuple(n // COARSE for n in SHAPE)
    bend = np.zeros((3, *coarse), np.float32)
    for scale, strength in BENDS:
        for axis in range(3):
            bend[axis] += np.float32(strength) * smooth_field(rng, coarse, scale / COARSE)
    # points around a ventricle that becomes wider come from nearer to it, so from where the distance to it falls
    width = np.clip(rng.normal(1.0, 1.8), -2.0, 5.0)
    near = np.exp(-ndimage.zoom(template.ventricle, 1 / COARSE, order=1, grid_mode=True, mode="nearest") / 8)
    slope = np.stack(np.gradient(ndimage.gaussian_filter(near, 1.0)))
    steep = np.sqrt((slope**2).sum(axis=0)).max()
    slope = slope[:, ::-1] if mirror else slope
    return Deformation(matrix, (bend + np.float32(width / steep) * slope).astype(np.float32))
