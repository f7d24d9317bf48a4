"""Lesions that touch the same lesion of a neighbouring tissue are one lesion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

__all__ = ["Pairs", "join_chained", "join_first", "touching_pairs"]

Pairs = set[tuple[int, int]]
_STEPS = tuple(step for step in product((-1, 0, 1), repeat=3) if 1 <= sum(map(abs, step)) <= 2)


def touching_pairs(first: NDArray[np.unsignedinteger], second: NDArray[np.unsignedinteger]) -> Pairs:
    """Pairs of numbers, one from each map, with voxels that share a face or an edge.

    Args:
        first: (X, Y, Z) numbered lesions; 0 is background.
        second: Of the same shape.
    """
    if np.count_nonzero(first) > np.count_nonzero(second):
        return {(b, a) for a, b in touching_pairs(second, first)}
    wide = np.pad(second, 1)
    places = np.flatnonzero(first != 0)
    numbers = first.ravel()[places]
    strides = (wide.shape[1] * wide.shape[2], wide.shape[2], 1)
    flat = (np.stack(np.unravel_index(places, first.shape), axis=1) + 1) @ np.array(strides)
    found: Pairs = set()
    for step in _STEPS:
        met = wide.ravel()[flat + int(np.dot(step, strides))]
        hit = met > 0
        if hit.any():
            codes = np.unique(numbers[hit].astype(np.int64) << 32 | met[hit].astype(np.int64))
            found.update((int(code >> 32), int(code & 0xFFFFFFFF)) for code in codes)
    return found


def join_first(groups: NDArray[np.int64], neighbours: Sequence[Pairs]) -> NDArray[np.int64]:
    """New numbers as the scripts of 2024 give them.

    Neighbouring tissues are taken one after the other. Only where more than one pair touches, each lesion that touches gets
    a new number, that of the first lesion it touches: lesions with the same first lesion become one. At the end the numbers
    are closed up.

    Args:
        groups: (count + 1,) present number of each part, 0 for those that are left out.
        neighbours: For each tissue the pairs (part, lesion of the tissue) that touch.
    """
    groups = groups.copy()
    for pairs in neighbours:
        touching = sorted({(int(groups[part]), other) for part, other in pairs if groups[part]})
        if len(touching) < 2:
            continue
        number = int(groups.max()) + 1
        numbers: dict[int, int] = {}
        for _, other in touching:
            if other not in numbers:
                numbers[other] = number
                number += 1
        renamed: dict[int, int] = {}
        for group, other in touching:
            renamed.setdefault(group, numbers[other])
        groups = np.array([renamed.get(int(group), int(group)) for group in groups])
    return np.unique(np.append(groups, 0), return_inverse=True)[1][:-1]


def join_chained(groups: NDArray[np.int64], neighbours: Iterable[Pairs]) -> NDArray[np.int64]:
    """New numbers where all parts that touch one lesion of a neighbouring tissue are one, through any chain of lesions."""
    parent = {int(group): int(group) for group in groups}

    def root(group: int) -> int:
        while parent[group] != group:
            group = parent[group]
        return group

    for pairs in neighbours:
        first: dict[int, int] = {}
        for part, other in sorted(pairs):
            group = int(groups[part])
            if group:
                parent[root(group)] = root(first.setdefault(other, group))
    return np.unique(np.append([root(int(group)) for group in groups], 0), return_inverse=True)[1][:-1]
