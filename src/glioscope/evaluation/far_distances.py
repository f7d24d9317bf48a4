"""The 95th percentile distance of many points that lie far from a surface, without the distance of every one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from glioscope.evaluation.surface import Surface, nearest, rim

__all__ = ["far_hd95"]

_SHARE = 0.95
_EDGE = 3
_SLACK = 0.1


def far_hd95(source: Surface, target: Surface, spacing: tuple[float, float, float]) -> float:
    """Distance (mm) within which 95 % of the area of `source` is from `target`; infinite where either has no points."""
    if not len(source.points) or not len(target.points):
        return float("inf")
    near = nearest(source, target, spacing, limit=0)[0]
    settled = np.isfinite(near)
    goal = _SHARE * float(source.areas.sum())
    done = float(source.areas[settled].sum())
    if done >= goal:
        return _percentile(near, source.areas, goal)
    return _far_percentile(source.take(~settled), rim(target), spacing, goal - done)


def _far_percentile(source: Surface, target: Surface, spacing: tuple[float, float, float], goal: float) -> float:
    """Smallest distance (mm) at which points of `source` with an area of `goal` (mm2) are covered.

    What is nearest to one point of a small block bounds the distances of the others from above, and the step from that point
    bounds them from below. As soon as all points that may lie at the percentile of the upper bounds are known exactly, that
    percentile is exact: the other points are nearer, or farther, in any case.
    """
    scale = np.array(spacing)
    indices, areas = source.indices(), source.areas
    # Middle points first: each speaks for its block where it is there.
    order = np.argsort((indices % _EDGE != _EDGE // 2).any(axis=1), kind="stable")
    indices, areas = indices[order], areas[order]
    goals = target.indices()
    tree = cKDTree(goals * scale, balanced_tree=False, compact_nodes=False)
    _, first, member = np.unique((indices // _EDGE) @ source.strides(), return_index=True, return_inverse=True)
    found = tree.query(indices[first] * scale)[1][member]
    bounds = _lengths((indices - goals[found]) * scale)
    lowest = bounds[first][member] - _lengths((indices - indices[first][member]) * scale)
    exact = np.zeros(len(bounds), np.bool_)
    exact[first] = True
    while True:
        distance = _percentile(bounds, areas, goal)
        loose = np.flatnonzero((bounds >= distance - _SLACK * min(spacing)) & (lowest <= distance + _SLACK) & ~exact)
        if not len(loose):
            return distance
        nearer = goals[tree.query(indices[loose] * scale)[1]]
        bounds[loose] = _lengths((indices[loose] - nearer) * scale)
        exact[loose] = True


def _lengths(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.sqrt(np.einsum("ij,ij->i", steps, steps))
    return lengths


def _percentile(distances: NDArray[np.float64], areas: NDArray[np.float64], goal: float) -> float:
    order = np.argsort(distances)
    place = int(np.searchsorted(np.cumsum(areas[order]), goal))
    return float(distances[order[min(place, len(order) - 1)]])
