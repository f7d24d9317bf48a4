"""The surface of one region as a list of points."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["Surface", "rim"]


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

    @cached_property
    def indices(self) -> NDArray[np.int64]:
        """(N, 3) grid indices."""
        return np.stack(np.unravel_index(self.points, self.shape), axis=1)


def rim(surface: Surface) -> Surface:
    """The points that have a face neighbour outside: the nearest to any point outside is one of them."""
    wide = tuple(n + 2 for n in surface.shape)
    strides = (wide[1] * wide[2], wide[2], 1)
    flat = (surface.indices + 1) @ np.array(strides)
    table = np.zeros(wide, np.bool_).ravel()
    table[flat] = True
    outer = np.zeros(len(flat), np.bool_)
    for stride in strides:
        outer |= ~table[flat - stride] | ~table[flat + stride]
    return surface.take(outer)
