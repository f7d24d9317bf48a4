"""The 95th percentile distance of many points that lie far from a surface, without the distance of every one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from glioscope.evaluation.bits import pack, unpack
from glioscope.evaluation.reach import Reach, reach_lengths
from glioscope.evaluation.surface import Surface, rim

__all__ = ["far_hd95"]

_SHARE = 0.95
_EDGE = 3
_SLACK = 0.1
_WORTH = 50_000


def far_hd95(one: Surface, other: Surface, spacing: tuple[float, float, float]) -> float:
    """Distance (mm) within which 95 % of the area of either surface is from the other; infinite where one has no points."""
    if not len(one.points) or not len(other.points):
        return float("inf")
    # The larger one has the farther points as a rule, and leaves one question for the way back.
    large, small = (one, other) if len(one.points) > len(other.points) else (other, one)
    return _one_way(small, large, spacing, _one_way(large, small, spacing, 0.0))


def _one_way(source: Surface, target: Surface, spacing: tuple[float, float, float], least: float) -> float:
    """Distance (mm) within which 95 % of the area of `source` is from `target`, or `least` where that is farther."""
    table = np.zeros(source.shape, np.bool_)
    table.ravel()[target.points] = True
    reach = Reach(pack(table), spacing)
    lengths = reach_lengths(spacing)[1]
    left, goal = source, _SHARE * float(source.areas.sum())
    low = -1
    tried = least / min(spacing)
    # Balls of growing size take in the near points, unless so few are left that looking each up is less work.
    while low < len(lengths) - 1 and _WORTH * len(left.points) > table.size * (1 + tried * tried):
        high = int(np.searchsorted(lengths, max(tried * min(spacing), least), side="right")) - 1
        near = _near(left, reach, lengths[high])
        area = float(left.areas[near].sum())
        if area >= goal:
            return least if low < 0 and least else _between(left.take(near), reach, lengths, low, high, goal)
        left, goal = left.take(~near), goal - area
        low, tried = high, max(1.0, 2 * tried)
    return max(least, _far_percentile(left, rim(target), spacing, goal))


def _near(source: Surface, reach: Reach, length: float) -> NDArray[np.bool_]:
    return unpack(reach.within(length), source.shape[2]).ravel()[source.points]


def _between(source: Surface, reach: Reach, lengths: NDArray[np.float64], low: int, high: int, goal: float) -> float:
    """Smallest of the lengths after `low` and up to `high` within which an area of `goal` (mm2) is."""
    while high - low > 1:
        middle = (low + high) // 2
        near = _near(source, reach, lengths[middle])
        area = float(source.areas[near].sum())
        if area >= goal:
            source, high = source.take(near), middle
        else:
            source, goal, low = source.take(~near), goal - area, middle
    return float(lengths[high])


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
