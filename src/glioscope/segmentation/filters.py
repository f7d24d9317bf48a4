"""What classical segmenters are made of: filters inside the brain, in millimetres, blind to intensity scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core.boxes import box_of

__all__ = ["deviation", "drop_small", "equalised", "graded", "grown", "logistic", "shrunk", "smoothed"]

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]


def smoothed(image: Image, brain: Mask, spacing: NDArray[np.float64], sigma_mm: float) -> Image:
    """Gaussian mean over brain voxels only (normalised convolution), zero outside the brain."""
    sigma = sigma_mm / spacing
    weight = ndimage.gaussian_filter(brain.astype(np.float32), sigma, mode="constant", truncate=3)
    total = ndimage.gaussian_filter(np.where(brain, image, 0).astype(np.float32), sigma, mode="constant", truncate=3)
    return np.where(brain, total / np.maximum(weight, 1e-6), 0).astype(np.float32)


def equalised(image: Image, brain: Mask, bins: int = 256) -> Image:
    """Histogram equalisation inside the brain: each voxel becomes its rank in (0, 1]; zero outside.

    Cumulative histogram of `bins` bins, linear between bin centres.
    """
    counts, edges = np.histogram(image[brain], bins)
    share = np.cumsum(counts) / counts.sum()
    ranks = np.zeros(image.shape, np.float32)
    ranks[brain] = np.interp(image[brain], (edges[1:] + edges[:-1]) / 2, share)
    return ranks


def deviation(values: NDArray[np.float32]) -> tuple[float, float]:
    """Median, and standard deviation estimated as 1.4826 times the median absolute deviation (never 0)."""
    middle = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - middle)))
    return middle, spread or float(values.std()) or 1.0


def logistic(margin: Image) -> Image:
    """1 / (1 + exp(-margin)) as float32."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * margin)), np.float32)


def grown(mask: Mask, spacing: NDArray[np.float64], radius_mm: float) -> Mask:
    """The voxels within `radius_mm` of the mask, itself included.

    Squared distances add up axis by axis, and none beyond the radius is looked at: exact, and for the few millimetres wanted
    here several times faster than a distance transform.
    """
    out = np.zeros_like(mask)
    if not mask.any():
        return out
    room = (radius_mm / spacing + 1e-6).astype(int).tolist()
    box = box_of(mask, room)
    squares = np.where(mask[box], np.float32(0), np.float32(np.inf))
    for axis, (steps, edge) in enumerate(zip(room, spacing.tolist(), strict=True)):
        before = np.moveaxis(squares, axis, 0)
        after = before.copy()
        for n in range(1, min(steps, len(before) - 1) + 1):
            added = before + np.float32((n * edge) ** 2)
            np.minimum(after[n:], added[:-n], out=after[n:])
            np.minimum(after[:-n], added[n:], out=after[:-n])
        squares = np.moveaxis(after, 0, axis)
    out[box] = squares <= radius_mm**2 * (1 + 1e-5)
    return out


def shrunk(mask: Mask, spacing: NDArray[np.float64], radius_mm: float) -> Mask:
    """The voxels of the mask farther than `radius_mm` from what is not mask; the edge of the array counts as more of it."""
    out = np.zeros_like(mask)
    if mask.any():
        box = box_of(mask, (radius_mm / spacing + 1).astype(int).tolist())
        out[box] = mask[box] & ~grown(~mask[box], spacing, radius_mm)
    return out


def drop_small(mask: Mask, least_voxels: float, least_share: float = 0.0) -> Mask:
    """Without the components (faces touching) below `least_voxels`, or below `least_share` of the largest one."""
    components, count = ndimage.label(mask)
    if not count:
        return mask
    sizes = np.bincount(components.ravel())
    sizes[0] = 0
    return np.asarray((sizes >= max(least_voxels, least_share * sizes.max(), 1))[components])


def graded(probability: Image, mask: Mask, spacing: NDArray[np.float64], reach_mm: float = 4.0) -> Image:
    """A probability that agrees with the decision: above 0.5 inside the mask, below it outside, zero beyond `reach_mm`."""
    near = grown(mask, spacing, reach_mm)
    outside = np.where(near, np.minimum(probability, 0.49), 0)
    return np.where(mask, np.maximum(probability, 0.51), outside).astype(np.float32)
