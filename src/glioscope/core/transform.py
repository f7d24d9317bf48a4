"""Spatial transforms in world millimetres, and the one resampling that an image goes through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core.grid import Grid
from glioscope.core.volume import Volume

__all__ = ["Interpolation", "Transform", "resample"]

Interpolation = Literal["linear", "bspline"]


@dataclass(frozen=True, eq=False)
class Transform:
    """Where to look: maps world points of the *fixed* space to world points of the *moving* space (RAS, mm).

    This is the pull-back that a resampler needs (ITK's convention, but in RAS): `resample(moving, fixed_grid, t)` shows the
    moving image in the fixed space. A point p goes to `matrix @ (p + displacement(p))`; without displacement it is affine.

    Attributes:
        matrix: 4x4 float64.
        displacement: mm vectors (RAS) of shape (*grid.shape, 3) on `displacement_grid`, zero outside it; or None.
        displacement_grid: The grid, in fixed space, that the vectors lie on.
    """

    matrix: NDArray[np.float64]
    displacement: NDArray[np.float32] | None = None
    displacement_grid: Grid | None = None

    @staticmethod
    def identity() -> Transform:
        """The transform that moves nothing."""
        return Transform(np.eye(4))

    @property
    def is_affine(self) -> bool:
        """Whether a matrix says it all."""
        return self.displacement is None

    def then(self, following: Transform) -> Transform:
        """Composition: first this transform (fixed to middle space), then `following` (middle to moving), which is affine.

        Raises:
            ValueError: `following` has a displacement; compose it the other way round.
        """
        if not following.is_affine:
            raise ValueError("only an affine transform can follow; the displacement belongs to the first one")
        return Transform(following.matrix @ self.matrix, self.displacement, self.displacement_grid)

    def inverse(self) -> Transform:
        """The affine transform back; raises ValueError for one with a displacement (its engine gives the inverse)."""
        if not self.is_affine:
            raise ValueError("a displacement has no closed inverse; ask the engine that made it")
        return Transform(np.linalg.inv(self.matrix).astype(np.float64))

    def apply(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """World points of the moving space for world points of the fixed space, both of shape (..., 3)."""
        if self.displacement is not None and self.displacement_grid is not None:
            index = self.displacement_grid.to_index(points).reshape(-1, 3).T  # one point alone has no axis to run along
            shift = [ndimage.map_coordinates(self.displacement[..., a], index, order=1, cval=0.0) for a in range(3)]
            points = points + np.stack(shift, axis=-1).reshape(points.shape)
        return np.asarray(points @ self.matrix[:3, :3].T + self.matrix[:3, 3])


def resample(
    moving: Volume, fixed: Grid, transform: Transform | None = None, *, interpolation: Interpolation = "linear"
) -> Volume:
    """Show `moving` on the grid `fixed`, resampled once; zero outside the moving image.

    Args:
        moving: Image of any orientation, spacing and obliquity.
        fixed: Grid to fill.
        transform: Fixed world points to moving world points; identity where None.
        interpolation: `linear`, or `bspline` (cubic, sharper, may ring by a few percent beside strong edges). Never nearest:
            label maps go through `glioscope.core.label_resampling`.

    Returns:
        float32 volume on `fixed`.
    """
    transform = transform or Transform.identity()
    order = 1 if interpolation == "linear" else 3
    data = np.asarray(moving.data, np.float32)
    to_index = np.linalg.inv(moving.grid.affine)
    if transform.is_affine:
        matrix = to_index @ transform.matrix @ fixed.affine
        out = ndimage.affine_transform(
            data,
            matrix[:3, :3],
            matrix[:3, 3],
            output_shape=fixed.shape,
            output=np.float32,
            order=order,
            mode="grid-constant",
        )
        return Volume(out, fixed)
    room = 12 if order > 1 else 0  # zeros around the image, as scipy adds them, for the spline to fade out in
    source = ndimage.spline_filter(np.pad(data, room), order, output=np.float32) if order > 1 else data
    out = np.empty(fixed.shape, np.float32)
    for i in range(fixed.shape[0]):  # a slab at a time: the coordinates of a whole volume would take 0.2 GB an axis
        jk = np.stack(np.meshgrid(np.arange(fixed.shape[1]), np.arange(fixed.shape[2]), indexing="ij"), axis=-1)
        index = np.concatenate([np.full((*jk.shape[:2], 1), i), jk], axis=-1)
        points = transform.apply(fixed.to_world(index))
        where = np.moveaxis(moving.grid.to_index(points) + room, -1, 0)
        out[i] = ndimage.map_coordinates(source, where, order=order, mode="grid-constant", prefilter=False)
    return Volume(out, fixed)
