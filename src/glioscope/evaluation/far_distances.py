"""The 95th percentile distance of many points that lie far from a surface, without the distance of every one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from glioscope.evaluation.surface import Surface

__all__ = ["far_percentile", "look_up"]

_EDGES = (12, 4, 2)  # of the blocks, in voxels
_FEW = 1000  # points that are looked up one by one
_FINE = 0.25  # width of the intervals distances are counted in, in voxels
_ROUNDING = 1e-9


def look_up(source: Surface, target: Surface, spacing: tuple[float, float, float]) -> NDArray[np.float64]:
    """(N,) distance (mm) from each point of `source` to `target`."""
    scale = np.array(spacing)
    found = _tree(target, scale).query(source.indices * scale)[1]
    return _norm((source.indices - target.indices[found]) * scale)


def far_percentile(
    source: Surface, target: Surface, spacing: tuple[float, float, float], goal: float, least: float = 0.0
) -> float | None:
    """Smallest distance (mm) to `target` within which an area of `goal` (mm2) of `source` is, or `least` where that is more.

    What is nearest to the middle of a block of the grid bounds the distances of all points in the block from above, and the
    step to the middle bounds them from below. Points that cannot be at the percentile of the bounds are settled, the others
    taken in smaller blocks.

    Returns:
        None where the areas sum up to `goal` so nearly that rounding decides.
    """
    scale = np.array(spacing)
    tree, goals = _tree(target, scale), target.indices
    points, areas = source.indices, source.areas
    doubt = _ROUNDING * float(areas.sum())
    width = _FINE * min(spacing)
    for edge in _EDGES:
        if len(points) <= _FEW:
            break
        blocks, member = _blocks(points // edge)
        middles = blocks * edge + (edge - 1) / 2
        distances, found = tree.query(middles * scale)
        upper = _norm((points - goals[found][member]) * scale)
        lower = np.maximum(distances[member] - _norm((points - middles[member]) * scale), 0)
        low = _bin(lower, areas, goal - doubt, width) * width - width
        high = _bin(upper, areas, goal + doubt, width) * width + 2 * width
        if high <= least:
            return least
        settled = upper < low
        goal -= float(areas[settled].sum())
        kept = ~settled & (lower <= high)
        points, areas = points[kept], areas[kept]
    found = tree.query(points * scale)[1]
    exact = _norm((points - goals[found]) * scale)
    order = np.lexsort((areas, exact))
    covered = np.cumsum(areas[order])
    if np.abs(covered - goal).min() <= doubt:
        return None
    return max(least, float(exact[order[min(int(np.searchsorted(covered, goal)), len(order) - 1)]]))


def _tree(target: Surface, scale: NDArray[np.float64]) -> cKDTree:
    return cKDTree(target.indices * scale, balanced_tree=False, compact_nodes=False)


def _norm(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.sqrt(np.einsum("ij,ij->i", steps, steps))
    return lengths


def _blocks(cells: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The different ones of (N, 3) cells, and for each of the N which it is."""
    shape = tuple(int(n) + 1 for n in cells.max(axis=0))
    flat = np.ravel_multi_index(tuple(cells.T), shape)
    used = np.zeros(np.prod(shape), np.bool_)
    used[flat] = True
    return np.stack(np.nonzero(used.reshape(shape)), axis=1), (np.cumsum(used) - 1)[flat]


def _bin(values: NDArray[np.float64], areas: NDArray[np.float64], goal: float, width: float) -> int:
    """Number of the interval of `width` mm that ends with at least an area of `goal` (mm2) covered."""
    covered = np.cumsum(np.bincount((values / width).astype(np.int64), weights=areas))
    return min(int(np.searchsorted(covered, goal)), len(covered) - 1)
