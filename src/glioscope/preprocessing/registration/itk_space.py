"""Between the package's RAS world and ITK's LPS world, exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Grid, Transform, Volume, resample

__all__ = ["FLIP", "from_lps", "itk_geometry", "orthonormal", "to_lps", "to_sitk"]

FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])
SHEAR_TOLERANCE = 1e-4


def to_lps(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """A 4x4 world matrix in RAS, as one in LPS (and the other way round: it is its own inverse)."""
    return np.asarray(FLIP @ matrix @ FLIP)


def from_lps(linear: NDArray[np.float64], translation: NDArray[np.float64], centre: NDArray[np.float64]) -> Transform:
    """ITK's `linear @ (p - centre) + centre + translation` in LPS, as a core transform in RAS."""
    matrix = np.eye(4)
    matrix[:3, :3] = linear
    matrix[:3, 3] = translation + centre - linear @ centre
    return Transform(to_lps(matrix))


def itk_geometry(grid: Grid) -> tuple[list[float], list[float], NDArray[np.float64]]:
    """Origin (mm), spacing (mm) and 3x3 direction of a grid without shear, in LPS."""
    lps = FLIP @ grid.affine
    return [float(v) for v in lps[:3, 3]], [float(s) for s in grid.spacing], np.asarray(lps[:3, :3] / grid.spacing)


def _sheared(grid: Grid) -> bool:
    direction = grid.affine[:3, :3] / grid.spacing
    return bool(np.abs(direction.T @ direction - np.eye(3)).max() > SHEAR_TOLERANCE)


def orthonormal(volume: Volume) -> Volume:
    """`volume` itself, or where its axes are not at right angles (which ITK cannot express) a copy resampled to such as are."""
    if not _sheared(volume.grid):
        return volume
    u, _, vt = np.linalg.svd(volume.grid.affine[:3, :3] / volume.grid.spacing)
    direction = u @ vt
    corners = volume.grid.to_world(np.array(list(np.ndindex(2, 2, 2))) * (np.asarray(volume.grid.shape) - 1))
    along = corners @ direction
    x, y, z = (int(n) for n in np.ceil(np.ptp(along, axis=0) / volume.grid.spacing) + 1)
    affine = np.eye(4)
    affine[:3, :3] = direction * volume.grid.spacing
    affine[:3, 3] = direction @ along.min(axis=0)
    data = volume.with_data(np.asarray(volume.data, np.float32))
    out = resample(data, Grid((x, y, z), affine))
    return out if volume.data.dtype != bool else out.with_data(out.data > 0.5)


def to_sitk(volume: Volume) -> Any:  # noqa: ANN401
    """The volume as a SimpleITK image in memory (float32, masks uint8), at the same world points."""
    import SimpleITK as sitk

    kind = np.uint8 if volume.data.dtype in (bool, np.uint8) else np.float32
    image = sitk.GetImageFromArray(np.ascontiguousarray(volume.data.T, dtype=kind))
    origin, spacing, direction = itk_geometry(volume.grid)
    image.SetOrigin(origin)
    image.SetSpacing(spacing)
    image.SetDirection(direction.ravel().tolist())
    return image
