"""The surface of one region as a list of points, and how far each is from another surface."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

__all__ = ["Surface", "nearest", "rim"]

_REACH = 4
_FEW = 400


@dataclass(frozen=True)
class Surface:
    """Points of a grid.

    Attributes:
        shape: Of the grid.
        points: (N,) positions in the flattened grid, ascending.
        owners: (N,) number of the lesion each belongs to, from 1.
        areas: (N,) surface area each stands for (mm2).
    """

    shape: tuple[int, int, int]
    points: NDArray[np.int64]
    owners: NDArray[np.int64]
    areas: NDArray[np.float64]

    def take(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> Surface:
        """The chosen points."""
        return Surface(self.shape, self.points[chosen], self.owners[chosen], self.areas[chosen])

    @cached_property
    def _by_owner(self) -> list[NDArray[np.int64]]:
        order = np.argsort(self.owners, kind="stable")
        return np.split(order, np.searchsorted(self.owners[order], np.arange(1, int(self.owners.max(initial=0)) + 1)))

    def places(self, lesions: Iterable[int]) -> NDArray[np.int64]:
        """Where the points of some lesions are in the list."""
        found = [self._by_owner[number] for number in lesions if number < len(self._by_owner)]
        return np.concatenate(found) if found else np.zeros(0, np.int64)

    def strides(self) -> NDArray[np.int64]:
        """Steps in the flattened grid from one index to the next, by axis."""
        return np.array([self.shape[1] * self.shape[2], self.shape[2], 1])

    def indices(self) -> NDArray[np.int64]:
        """(N, 3) grid indices."""
        return np.stack(np.unravel_index(self.points, self.shape), axis=1)


@lru_cache(maxsize=64)
def _offsets(spacing: tuple[float, float, float]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Steps in ascending order of length (mm): all that are shorter than the shortest step beyond `_REACH` voxels."""
    axis = np.arange(-_REACH, _REACH + 1)
    steps = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    lengths = _lengths(steps, spacing)
    near = np.flatnonzero(lengths < (_REACH + 1) * min(spacing))
    order = near[np.argsort(lengths[near], kind="stable")]
    return steps[order], lengths[order]


def _lengths(steps: NDArray[np.int64], spacing: tuple[float, float, float]) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.sqrt(np.square(steps * np.array(spacing)).sum(axis=1))
    return lengths


def nearest(
    surface: Surface, other: Surface, spacing: tuple[float, float, float], limit: float = np.inf
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Distance (mm) from each point of `surface` to the nearest point of `other`, and that point's owner.

    Surfaces of the same lesion lie close together: the steps around each point are tried from the shortest on, for all points
    at once, and only what is farther off is looked up in a k-d tree. What is farther than `limit` mm may be left infinitely
    far, as all is when `other` has no points.
    """
    distances = np.full(len(surface.points), np.inf)
    owners = np.zeros(len(surface.points), np.int64)
    if not len(other.points) or not len(surface.points):
        return distances, owners
    wide = tuple(n + 2 * _REACH for n in surface.shape)
    strides = np.array([wide[1] * wide[2], wide[2], 1])
    indices = surface.indices()
    flat = (indices + _REACH) @ strides
    # As narrow as the numbers allow: looking about is bound by memory.
    table = np.zeros(wide, np.min_scalar_type(int(other.owners.max()))).ravel()
    table[(other.indices() + _REACH) @ strides] = other.owners
    left = np.arange(len(flat))
    steps, lengths = _offsets(spacing)
    for shift, length in zip(steps @ strides, lengths, strict=True):
        if len(left) <= _FEW:
            break
        if length > limit:
            return distances, owners
        met = table[flat + shift]
        hit = met > 0
        if hit.any():
            distances[left[hit]] = length
            owners[left[hit]] = met[hit]
            left, flat = left[~hit], flat[~hit]
    if len(left):
        scale = np.array(spacing)
        goals = other.indices()
        tree = cKDTree(goals * scale, balanced_tree=False, compact_nodes=False)
        found = tree.query(indices[left] * scale)[1]
        distances[left] = _lengths(indices[left] - goals[found], spacing)
        owners[left] = other.owners[found]
    return distances, owners


def rim(surface: Surface) -> Surface:
    """The points that have a face neighbour outside: the nearest to any point outside is one of them."""
    wide = tuple(n + 2 for n in surface.shape)
    strides = (wide[1] * wide[2], wide[2], 1)
    flat = (surface.indices() + 1) @ np.array(strides)
    table = np.zeros(wide, np.bool_).ravel()
    table[flat] = True
    outer = np.zeros(len(flat), np.bool_)
    for stride in strides:
        outer |= ~table[flat - stride] | ~table[flat + stride]
    return surface.take(outer)
