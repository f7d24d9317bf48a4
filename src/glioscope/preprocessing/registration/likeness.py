"""Normalised mutual information with its gradient, for optimisers that follow slopes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glioscope.preprocessing.registration.similarity import BINS
from glioscope.preprocessing.registration.start import Comparison

__all__ = ["Likeness"]

Numbers = NDArray[np.float32]


class Likeness:
    """Normalised mutual information of a fixed image's points and a moving image, differentiable in the transform.

    The moving intensities enter the joint histogram through a cubic B-spline window (Mattes et al., IEEE TMI 22, 2003),
    so that the measure changes smoothly; those of the fixed image, which do not change, by whole bins.

    Args:
        comparison: Points, their bins, and the moving image.
        inside_only: Points outside the moving image's field of view do not count; otherwise it goes on there as at its edge.
    """

    def __init__(self, comparison: Comparison, *, inside_only: bool = False) -> None:
        self._points = np.asarray(np.c_[comparison.points, np.ones(len(comparison.points))], np.float32)
        self._rows = comparison.fixed_bins.astype(np.int32) * BINS - 1
        self._moving = np.ascontiguousarray(comparison.moving).ravel()
        self._shape = np.array(comparison.moving.shape)
        self._to_index = comparison.to_index
        self._low, high = comparison.limits
        self._scale = np.float32((BINS - 3) / max(high - self._low, 1e-6))
        self._inside_only = inside_only

    def __call__(self, matrix: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """The measure (1 to 2) when the fixed points are looked up at `matrix @ point`, and its derivative by `matrix`."""
        index = self._points @ (self._to_index @ matrix)[:3].T.astype(np.float32)
        values, slopes = self._looked_up(index)
        counted = ((index > -0.5) & (index < self._shape - 0.5)).all(axis=1) if self._inside_only else None
        position = (values - np.float32(self._low)) * self._scale + 1
        clipped = np.clip(position, 1, np.float32(BINS - 2.001))
        whole = clipped.astype(np.int32)
        f = clipped - whole.astype(np.float32)
        g = 1 - f
        bins = self._rows + whole
        window = (g**3 / 6, (3 * f**3 - 6 * f**2 + 4) / 6, (3 * g**3 - 6 * g**2 + 4) / 6, f**3 / 6)
        joint = np.zeros(BINS * BINS)
        for offset, share in enumerate(window):
            joint += np.bincount(bins + offset, share if counted is None else share * counted, BINS * BINS)
        measure, by_bin = _measure(joint)
        rise = (-(g**2) / 2, (3 * f**2 - 4 * f) / 2, (4 * g - 3 * g**2) / 2, f**2 / 2)
        by_value = sum(by_bin[bins + offset] * share for offset, share in enumerate(rise)) * self._scale
        by_value *= clipped == position
        if counted is not None:
            by_value *= counted
        gradient = np.zeros((4, 4))
        gradient[:3] = (slopes * by_value[:, None]).T @ self._points
        return measure, np.asarray(self._to_index.T @ gradient, np.float64)

    def _looked_up(self, index: Numbers) -> tuple[Numbers, Numbers]:
        """Trilinear values at voxel positions (n, 3), and their derivatives by the position (n, 3); flat beyond the edges."""
        last = (self._shape - 1).astype(np.float32)
        inside = np.clip(index, 0, last)
        base = np.minimum(inside.astype(np.int32), np.maximum(self._shape - 2, 0).astype(np.int32))
        fx, fy, fz = np.ascontiguousarray((inside - base.astype(np.float32)).T)
        _, ny, nz = self._shape.tolist()
        sx, sy, sz = (step if n > 1 else 0 for step, n in zip((ny * nz, nz, 1), self._shape, strict=True))
        corner = (base[:, 0] * ny + base[:, 1]) * nz + base[:, 2]
        take = self._moving.take
        a0, b0 = take(corner), take(corner + sy)
        c0, d0 = take(corner + sx), take(corner + (sx + sy))
        a1, b1 = take(corner + sz) - a0, take(corner + (sy + sz)) - b0
        c1, d1 = take(corner + (sx + sz)) - c0, take(corner + (sx + sy + sz)) - d0
        a, b, c, d = a0 + fz * a1, b0 + fz * b1, c0 + fz * c1, d0 + fz * d1
        near, far = a + fy * (b - a), c + fy * (d - c)
        by_z_near, by_z_far = a1 + fy * (b1 - a1), c1 + fy * (d1 - c1)
        slopes = np.stack([far - near, (1 - fx) * (b - a) + fx * (d - c), by_z_near + fx * (by_z_far - by_z_near)], axis=1)
        slopes *= inside == index
        return near + fx * (far - near), slopes


def _measure(joint: NDArray[np.float64]) -> tuple[float, NDArray[np.float32]]:
    """(H(fixed) + H(moving)) / H(both) of a joint histogram, and its derivative by each of its flat bins."""
    total = max(float(joint.sum()), 1e-6)
    p = joint.reshape(BINS, BINS) / total
    rows, columns, both = (np.log(q + 1e-10) for q in (p.sum(axis=1, keepdims=True), p.sum(axis=0, keepdims=True), p))
    entropy = max(-float((p * both).sum()), 1e-6)
    measure = -float((p * (rows + columns)).sum()) / entropy
    slope = (measure * (both + 1) - rows - columns - 2) / entropy
    return measure, ((slope - (slope * p).sum()) / total).astype(np.float32).ravel()
