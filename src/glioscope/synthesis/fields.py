"""Smooth random fields, the one source of shape and texture in synthetic exams."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Window", "along", "smooth_field", "stretched"]

Window = tuple[slice, slice, slice]
"""A part of an array of three axes."""


def smooth_field(rng: np.random.Generator, shape: tuple[int, ...], scale: float) -> NDArray[np.float32]:
    """A random field of mean 0 and standard deviation 1 at every voxel that varies over about `scale` voxels.

    Independent normal numbers on a lattice of spacing `scale / 2` are spread with a separable Gaussian of standard deviation
    `scale / 3`, whose weights at each voxel have a sum of squares of 1. Numbers and weights are multiples of powers of two so
    chosen that every sum is exact in float64: the field is the same to the last bit whatever library adds it up.

    Args:
        rng: Where the randomness comes from.
        shape: Three axes.
        scale: Voxels.
    """
    lattice = [int(np.ceil(2 * n / scale)) + 5 for n in shape]
    field: NDArray[Any] = np.round(rng.standard_normal(lattice) * 2**10) / 2**10
    for n, m in zip(reversed(shape), reversed(lattice), strict=True):
        apart = np.arange(n)[:, None] / scale - (np.arange(m) - 2)[None, :] / 2
        weight = np.exp(-4.5 * apart**2)
        weight /= np.sqrt((weight**2).sum(axis=1, keepdims=True))
        weight = np.round(weight * 2**11) / 2**11
        # the last axis is replaced and comes out first, so that three turns bring the axes into order again
        field = np.tensordot(weight, field, (1, 2))
    return field.astype(np.float32)


def stretched(coarse: NDArray[np.floating], shape: tuple[int, ...], window: Window | None = None) -> NDArray[np.float32]:
    """`coarse` interpolated linearly to `shape`, or to a window of it; both lattices cover the same box."""
    out = np.asarray(coarse, np.float32)
    for axis, (n, m) in enumerate(zip(shape, coarse.shape, strict=True)):
        wanted = np.arange(n) if window is None else np.arange(n)[window[axis]]
        at = np.clip((wanted + 0.5) * m / n - 0.5, 0, m - 1)
        low = np.minimum(at.astype(int), m - 2)
        share = along(at - low, axis)
        out = out.take(low, axis) * (1 - share) + out.take(low + 1, axis) * share
    return out


def along(values: NDArray[Any], axis: int) -> NDArray[np.float32]:
    """A vector as a float32 array of three axes that extends along one of them."""
    return np.asarray(values, np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
