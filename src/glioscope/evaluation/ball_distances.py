"""The 95th percentile distance between surfaces that are as thick as their lesions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glioscope.evaluation.bits import pack, unpack
from glioscope.evaluation.distances import SHARE, percentile
from glioscope.evaluation.far_distances import far_percentile, look_up
from glioscope.evaluation.reach import Reach, reach_lengths
from glioscope.evaluation.surface import Surface, rim

__all__ = ["ball_hd95"]

_WORTH = 15_000


def ball_hd95(one: Surface, other: Surface, spacing: tuple[float, float, float]) -> float:
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
    inside = table.ravel()[source.points]
    left, goal = source.take(~inside), SHARE * float(source.areas.sum()) - float(source.areas[inside].sum())
    if goal <= 0:
        return least
    low, tried = 0, max(1.0, least / min(spacing))
    # Balls of growing size take in the near points, unless so few are left that looking for the far ones is less work.
    while low < len(lengths) - 1 and _WORTH * len(left.points) > table.size * (1 + tried * tried):
        high = int(np.searchsorted(lengths, max(tried * min(spacing), least), side="right")) - 1
        near = _near(left, reach, lengths[high])
        area = float(left.areas[near].sum())
        if area >= goal:
            return max(least, _between(left.take(near), reach, lengths, low, high, goal) if lengths[high] > least else 0.0)
        left, goal = left.take(~near), goal - area
        low, tried = high, 2 * tried
    far = far_percentile(left, rim(target), spacing, goal, least)
    return max(least, percentile(look_up(source, target, spacing), source.areas)) if far is None else far


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
