"""How far each point of a surface is from another surface, for the points that are close to it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from glioscope.evaluation.distances import Distances
from glioscope.evaluation.surface import Surface

__all__ = ["nearest"]

_REACH = 4  # voxels
_SURE = 1.0  # mm; NSD needs all distances up to here
# Beyond, the search ends when a fiftieth is left or a length finds less than a hundredth.
_REST = 50
_GAIN = 100

Shells = tuple[tuple[NDArray[np.int64], ...], NDArray[np.float64]]


@lru_cache(maxsize=64)
def _shells(spacing: tuple[float, float, float]) -> Shells:
    """Steps by ascending length (mm), those of one length together, and the lengths.

    They are all steps shorter than the shortest beyond `_REACH` voxels; the last length is the bound, without steps.
    """
    axis = np.arange(-_REACH, _REACH + 1)
    steps = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    far = (_REACH + 1) * min(spacing)
    lengths = np.sqrt(np.square(steps * np.array(spacing)).sum(axis=1))
    steps, lengths = steps[lengths < far], lengths[lengths < far]
    different, ranks = np.unique(lengths, return_inverse=True)
    return tuple(steps[ranks == rank] for rank in range(len(different))), np.append(different, far)


def nearest(source: Surface, target: Surface, spacing: tuple[float, float, float], limit: float = np.inf) -> Distances:
    """Distances (mm) from `source` to `target`; what is farther than `limit` is left for later.

    Surfaces of the same lesion lie close together: the steps around each point are tried from the shortest on, for all points
    at once, until few points are left or few more are found.
    """
    shells, lengths = _shells(spacing)
    count = len(source.points)
    ranks = np.full(count, len(shells), np.uint16)
    owners = np.zeros(count, np.int64)
    if not count or not len(target.points):
        return Distances(source, target, spacing, np.zeros_like(ranks), owners, lengths[:1])
    wide = tuple(n + 2 * _REACH for n in source.shape)
    strides = np.array([wide[1] * wide[2], wide[2], 1])
    # As narrow as the numbers allow: looking about is bound by memory.
    table = np.zeros(wide, np.min_scalar_type(int(target.owners.max()))).ravel()
    table[(target.indices + _REACH) @ strides] = target.owners
    flat = (source.indices + _REACH) @ strides
    left = np.arange(count)
    tried = 0
    for steps, length in zip(shells, lengths, strict=False):
        if length > limit or (length > _SURE and len(left) * _REST <= count):
            break
        met = np.zeros(len(left), table.dtype)
        for shift in steps @ strides:
            np.maximum(met, table[flat + shift], out=met)
        found, rest = np.flatnonzero(met), np.flatnonzero(met == 0)
        ranks[left[found]], owners[left[found]] = tried, met[found]
        left, flat = left[rest], flat[rest]
        tried += 1
        if length >= _SURE and len(found) * _GAIN < len(met):
            break
    ranks[left] = tried
    return Distances(source, target, spacing, ranks, owners, lengths[: tried + 1])
