"""Whether what a registration found can be true."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Transform, Volume
from glioscope.preprocessing.registration.start import compared

__all__ = ["implausible"]

SCALES = (0.6, 1.6)
LARGEST_ROTATION = 60.0
LEAST_OVERLAP = 0.35


def implausible(transform: Transform, fixed: Volume, moving: Volume, mask: Volume | None, *, alike: bool = True) -> str | None:
    """Why `transform` cannot be right, as the middle of a sentence; None where nothing speaks against it.

    Looked at: numbers that are not finite, mirroring, stretching along any direction beyond 0.6 to 1.6, rotation beyond 60
    degrees, less than 35 % of the fixed head inside the moving field of view and, where `alike` is asked for, images less
    alike than before.
    """
    return _wrong_matrix(transform.matrix) or _wrong_match(transform, fixed, moving, mask, alike)


def _wrong_matrix(matrix: NDArray[np.float64]) -> str | None:
    if not np.isfinite(matrix).all():
        return "the transform is not finite"
    if np.linalg.det(matrix[:3, :3]) <= 0:
        return "the transform mirrors the head"
    u, scales, vt = np.linalg.svd(matrix[:3, :3])
    if scales.min() < SCALES[0] or scales.max() > SCALES[1]:
        return f"the transform scales the head by {scales.min():.2f} to {scales.max():.2f}"
    angle = float(np.degrees(np.arccos(np.clip((np.trace(u @ vt) - 1) / 2, -1, 1))))
    if angle > LARGEST_ROTATION:
        return f"the transform turns the head by {angle:.0f} degrees"
    return None


def _wrong_match(transform: Transform, fixed: Volume, moving: Volume, mask: Volume | None, alike: bool) -> str | None:
    compare = compared(fixed, moving, mask, seed=0)
    points = compare.points[compare.fixed_bins > compare.fixed_bins.mean()]
    index = moving.grid.to_index(transform.apply(points))
    inside = ((index > -0.5) & (index < np.asarray(moving.grid.shape) - 0.5)).all(axis=1).mean() if len(index) else 0.0
    if inside < LEAST_OVERLAP:
        return f"the images overlap by {100 * inside:.0f} % only"
    if alike and transform.is_affine and compare.similarity(transform.matrix) < compare.similarity(np.eye(4)) - 1e-3:
        return "the images are less alike than before"
    return None
