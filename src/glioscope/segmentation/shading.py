"""Very smooth shading of coils, removed before intensities are ranked."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core.boxes import box_of
from glioscope.segmentation.filters import deviation

__all__ = ["without_shading"]

DEGREE = 2
SAMPLES = 30_000
ROUNDS = 20
LOW, HIGH = 2.5, 1.5  # robust deviations of a voxel below and above the fit up to which it counts; lesions are bright


def without_shading(
    image: NDArray[np.floating[Any]], brain: NDArray[np.bool_], spacing: NDArray[np.float64]
) -> NDArray[np.float32]:
    """A copy of `image` divided by its shading: a polynomial of degree 2 in space, fitted to log intensity in the brain.

    The fit is repeated on the voxels near it, and spares what is brighter sooner than what is darker, so that a large oedema
    counts as a lesion and not as shading. An image with many voxels at or below zero was normalised before, has no logarithm,
    and comes back as it is.

    Args:
        image: Intensities on any scale that starts at zero.
        brain: Brain mask of the same shape, not empty.
        spacing: Voxel edges in mm.

    Returns:
        The image as float32, changed inside the brain only.
    """
    out = np.asarray(image, np.float32).copy()
    values = out[brain]
    middle = float(np.median(values))
    if middle <= 0 or (values <= 0).mean() > 0.05:
        return out
    axes = _axes(brain, spacing)
    step = max(1, values.size // SAMPLES)
    place = [axis[index[::step]] for axis, index in zip(axes, np.nonzero(brain), strict=True)]
    powers = np.array([p for p in product(range(DEGREE + 1), repeat=3) if sum(p) <= DEGREE])
    terms = np.stack([np.prod([x**n for x, n in zip(place, power, strict=True)], axis=0) for power in powers], axis=1)
    level = np.log(np.maximum(values[::step].astype(np.float64) / middle, 1e-3))
    near = np.abs(level) < np.log(2)
    factors = np.zeros(len(powers))
    for _ in range(ROUNDS):
        if near.sum() < 10 * len(powers):
            return out
        fitted = terms[near]
        factors = np.linalg.lstsq(fitted.T @ fitted, fitted.T @ level[near], rcond=None)[0]
        rest = level - terms @ factors
        offset, spread = deviation(rest[near].astype(np.float32))
        near = (rest - offset > -LOW * spread) & (rest - offset < HIGH * spread)
    table = np.zeros((DEGREE + 1,) * 3)
    table[tuple(powers.T)] = factors
    x, y, z = axes
    out[brain] = values / np.exp(np.polynomial.polynomial.polygrid3d(x, y, z, table)[brain])
    return out


def _axes(brain: NDArray[np.bool_], spacing: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """For each axis where its voxels lie: 0 at the brain's middle, 1 at the far end of its longest side."""
    ends = [(s.start, s.stop - 1) for s in box_of(brain)]
    reach = max(float(b - a) * h for (a, b), h in zip(ends, spacing, strict=True)) / 2 or 1.0
    return [(np.arange(n) - (a + b) / 2) * h / reach for n, (a, b), h in zip(brain.shape, ends, spacing, strict=True)]
