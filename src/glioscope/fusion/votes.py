"""Vote patterns: what n raters say of a voxel, counted once instead of being looked at voxel by voxel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InvalidImage

__all__ = ["Ballot", "Votes"]

_T = TypeVar("_T", bound=np.generic)

TABLE = 2**20
"""Up to so many possible patterns a table counts them; above, sorting the voxels that have a vote is cheaper."""


@dataclass(frozen=True, eq=False)
class Ballot:
    """The yes or no of every rater to one question, such as "is it whole tumour?", pattern by pattern.

    Attributes:
        yes: Bool, (patterns, raters).
        counts: Voxels that have the pattern, (patterns,).
    """

    yes: NDArray[np.bool_]
    counts: NDArray[np.int64]

    @cached_property
    def share(self) -> NDArray[np.float64]:
        """The share of raters that say yes, (patterns,), 0 to 1."""
        return np.asarray(self.yes.mean(axis=1))

    @property
    def raters(self) -> int:
        """How many there are."""
        return int(self.yes.shape[1])

    def dice(self, decided: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Dice of each rater's mask with the mask `decided` (patterns,); 1 where both are empty."""
        common = self.counts[decided] @ self.yes[decided]
        total = self.counts @ self.yes + self.counts[decided].sum()
        return np.where(total > 0, 2 * common / np.maximum(total, 1), 1.0)

    def rates(self, decided: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Sensitivity and specificity of each rater against `decided`; 1 where there is nothing to find, or to leave out."""
        inside, outside = self.counts[decided], self.counts[~decided]
        found, left = inside @ self.yes[decided], outside @ ~self.yes[~decided]
        size, rest = int(inside.sum()), int(outside.sum())
        ones = np.ones(self.raters)
        return found / size if size else ones, left / rest if rest else ones


@dataclass(frozen=True, eq=False)
class Votes:
    """The distinct combinations of n label maps, how often each occurs, and where.

    The volumes are read once to find the patterns and written once by `paint`; every method decides on patterns between.
    Masks of n raters make at most 2^n of them, and far fewer occur.

    Attributes:
        patterns: uint8, (patterns, raters): the label that each rater gives. The first is background for all raters.
        counts: int64, (patterns,): voxels of each; they add up to the volume.
        where: Flat indices, in the storage order `order`, of the voxels that some rater calls foreground.
        which: The pattern of each of those voxels.
        shape: Shape of the volumes.
        order: Storage order of the first volume.
    """

    patterns: NDArray[np.uint8]
    counts: NDArray[np.int64]
    where: NDArray[np.intp]
    which: NDArray[np.intp]
    shape: tuple[int, ...]
    order: Literal["C", "F"]

    @classmethod
    def of(cls, maps: Sequence[NDArray[Any]]) -> Votes:
        """Count the patterns of label maps or masks: arrays of one shape, whole numbers 0 to 255 or bool.

        Raises:
            InvalidImage: no maps, no voxels, different shapes, or values that are not whole numbers from 0 to 255.
        """
        if not maps:
            raise InvalidImage("There is nothing to fuse: at least one mask is needed.")
        order: Literal["C", "F"] = "F" if np.isfortran(np.asarray(maps[0])) else "C"
        shape = np.asarray(maps[0]).shape
        flat = [_checked(number, np.asarray(one), shape).ravel(order) for number, one in enumerate(maps, 1)]
        union = flat[0].copy()
        for one in flat[1:]:
            np.bitwise_or(union, one, out=union)
        where = np.flatnonzero(union != 0)
        columns = [one[where] for one in flat]
        which, counts, first = _distinct(columns, len(where))
        patterns = np.stack([column[first] for column in columns], axis=1)
        nothing = np.zeros((1, len(flat)), np.uint8)
        return cls(
            patterns=np.concatenate([nothing, patterns]),
            counts=np.concatenate([[flat[0].size - len(where)], counts]).astype(np.int64),
            where=where,
            which=which + 1,
            shape=shape,
            order=order,
        )

    @property
    def raters(self) -> int:
        """How many maps were given."""
        return int(self.patterns.shape[1])

    def with_patterns(self, patterns: NDArray[np.uint8]) -> Votes:
        """The same voxels with other labels, such as those of another scheme; `patterns` as the attribute."""
        return replace(self, patterns=patterns)

    def ballot(self, values: Iterable[int]) -> Ballot:
        """Who says that a voxel has one of the label `values`."""
        return Ballot(np.isin(self.patterns, list(values)), self.counts)

    def paint(self, table: NDArray[_T]) -> NDArray[_T]:
        """A volume with `table[pattern]` in every voxel; `table` has one entry a pattern."""
        out = np.full(self.counts.sum(), table[0])
        out[self.where] = table[self.which]
        return out.reshape(self.shape, order=self.order)


def _checked(number: int, one: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    if one.size == 0:
        raise InvalidImage(f"Mask {number} has no voxels.")
    if one.shape != shape:
        raise InvalidImage(f"Mask {number} has the shape {one.shape}, but mask 1 has {shape}; all must lie on one grid.")
    if one.dtype == np.uint8:
        return one
    if one.dtype == np.bool_:
        return one.view(np.uint8)
    with np.errstate(invalid="ignore", over="ignore"):
        whole = one.astype(np.uint8) if one.dtype.kind in "iuf" else None
    if whole is None or not np.array_equal(whole, one):
        raise InvalidImage(f"Mask {number} has values other than the whole numbers 0 to 255; it is no label map.")
    return whole


def _distinct(
    columns: Sequence[NDArray[np.uint8]], length: int
) -> tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.intp]]:
    """Number the distinct rows of `columns`: the number of each row, how often each occurs, and a row that shows it."""
    base = max((int(column.max()) for column in columns if length), default=0) + 1
    size = base ** len(columns)
    if size <= 2**62:
        code = np.zeros(length, np.min_scalar_type(size - 1))
        for column in columns:
            code *= base
            code += column
    else:  # too many raters for one number: what has occurred so far is numbered anew after each
        code, size = np.zeros(length, np.int64), TABLE + 1
        for column in columns:
            _, code = np.unique(code * base + column, return_inverse=True)
    if size > TABLE:
        _, first, which, counts = np.unique(code, return_index=True, return_inverse=True, return_counts=True)
        return which, counts.astype(np.int64), first
    seen = np.bincount(code, minlength=size)
    occurring = np.flatnonzero(seen)
    number, first = np.zeros(size, np.intp), np.zeros(size, np.intp)
    number[occurring] = np.arange(len(occurring))
    first[code] = np.arange(length)
    return number[code], seen[occurring].astype(np.int64), first[occurring]
