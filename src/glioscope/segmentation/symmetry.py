"""What lies on both sides of the brain alike: white-matter lesions of age do, gliomas seldom."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.segmentation.filters import grown, shrunk

__all__ = ["REACH_MM", "SYMMETRIC", "paired_share", "symmetric_parts"]

Mask = NDArray[np.bool_]
Vector = NDArray[np.float64]

REACH_MM = 6.0
"""How far from its mirror image a counterpart may lie. What is as near to the middle is its own and does not count."""
SYMMETRIC = 0.7
"""Share of a part with a counterpart from which it is symmetric (docs/baselines.md: real tumours reach 0.58)."""
DEEP_MM = 5.0
BULKY = 0.2
"""Share of a part deeper than `DEEP_MM` from which it is a mass, symmetric or not: a butterfly glioma is no thin band."""
ROUNDS = 5


def symmetric_parts(mask: Mask, bright: Mask, brain: Mask, spacing: Vector, structure: Mask | None = None) -> Mask:
    """Those components of `mask` that are thin and have a counterpart in `bright` on the other side.

    Args:
        mask: What was found. The first axis of all arrays runs roughly from left to right.
        bright: All that is as bright, findings or not.
        brain: Brain mask, not empty; the plane between the hemispheres is taken from it.
        spacing: Voxel edges in mm.
        structure: (3, 3, 3), which neighbours are of one component; by default those that share a face.
    """
    parts, count = ndimage.label(mask, structure)
    if not count:
        return mask
    number = parts[mask]
    deep = np.bincount(number[shrunk(mask, spacing, DEEP_MM)[mask]], minlength=count + 1)
    thin = deep < BULKY * np.bincount(number, minlength=count + 1)
    return np.asarray(((paired_share(parts, bright, brain, spacing) > SYMMETRIC) & thin)[parts])


def paired_share(parts: NDArray[np.integer], bright: Mask, brain: Mask, spacing: Vector) -> Vector:
    """Of each part numbered in `parts`, the share with a counterpart in `bright`, middle left out; 0 where nothing else is."""
    normal, offset = _plane(brain, spacing)
    inside = parts > 0
    number, points = parts[inside], np.argwhere(inside) * spacing
    side = points @ normal - offset
    mirrored = np.rint((points - 2 * side[:, None] * normal) / spacing).astype(int)
    held = np.clip(mirrored, 0, np.array(parts.shape) - 1)
    paired = grown(bright, spacing, REACH_MM)[tuple(held.T)] & (held == mirrored).all(axis=1)
    aside = np.abs(side) > REACH_MM
    least = int(parts.max()) + 1
    total = np.bincount(number[aside], minlength=least)
    return np.asarray(np.bincount(number[aside & paired], minlength=least) / np.maximum(total, 1))


def _plane(brain: Mask, spacing: Vector) -> tuple[Vector, float]:
    """Unit normal and distance from the first voxel, in mm, of the plane between the hemispheres.

    The middle of the brain along the first axis, at each place of the two others, lies on that plane but for what lacks on one
    side; least squares weighted by the brain's width there, repeated on the middles within two robust deviations of it.
    """
    width = brain.sum(axis=0)
    there = width > 0
    middles = np.tensordot(np.arange(len(brain)), brain, 1)[there] / width[there] * spacing[0]
    places = np.argwhere(there) * spacing[1:]
    centre = places.mean(axis=0)
    known = np.column_stack([np.ones(len(places)), places - centre])
    near, fit = np.ones(len(places), bool), np.zeros(3)
    for _ in range(ROUNDS):
        weight = np.sqrt(width[there] * near)
        fit = np.linalg.lstsq(known * weight[:, None], middles * weight)[0]
        away = np.abs(middles - known @ fit)
        near = away <= 2 * 1.4826 * np.median(away) + 1e-6
    normal = np.array([1.0, -fit[1], -fit[2]])
    length = float(np.linalg.norm(normal))
    return normal / length, float(fit[0] - fit[1:] @ centre) / length
