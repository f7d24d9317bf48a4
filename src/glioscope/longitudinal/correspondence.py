"""Which lesion of one time is which of another: overlap in one space."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Grid, Transform, Volume

__all__ = ["LEAST_OVERLAP", "REACH_MM", "corresponding", "in_baseline", "overlaps"]

LEAST_OVERLAP = 0.1
"""Share of the smaller of two lesions that must lie in the other for them to be the same."""

REACH_MM = 2.0
"""Two lesions that overlap no other are the same where they come this close: what a registration leaves open."""

MARGIN = 2
"""Voxels beyond a lesion's box that are looked up: where a rounded way back may miss."""


def in_baseline(
    numbers: Volume, baseline: Grid, transform: Transform | None = None, inverse: Transform | None = None
) -> NDArray[np.int32]:
    """The pieces' numbers looked up on the grid of the baseline, at the centre of each of its voxels.

    It is for finding out which lesion is which alone: nothing is measured on it. A piece so small that no centre falls into
    it is put into the voxel nearest to its own centre.

    Args:
        numbers: As in `LesionMap`, on the follow-up's grid.
        baseline: Grid to fill.
        transform: Baseline world points to follow-up world points (mm, RAS); identity where None.
        inverse: The way back; that of an affine `transform` where None.
    """
    if transform is None and numbers.grid.same_as(baseline):
        return np.asarray(numbers.data, np.int32)
    transform = transform or Transform.identity()
    inverse = inverse or transform.inverse()
    out = np.zeros(baseline.shape, np.int32)
    index = np.argwhere(numbers.data > 0)
    if not len(index):
        return out
    home = np.rint(baseline.to_index(inverse.apply(numbers.grid.to_world(index)))).astype(int)
    lower = np.clip(home.min(axis=0) - MARGIN, 0, np.asarray(baseline.shape))
    upper = np.clip(home.max(axis=0) + MARGIN + 1, lower, np.asarray(baseline.shape))
    axes = [np.arange(a, b) for a, b in zip(lower, upper, strict=True)]
    box = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    there = np.rint(numbers.grid.to_index(transform.apply(baseline.to_world(box)))).astype(int)
    inside = ((there >= 0) & (there < np.asarray(numbers.grid.shape))).all(axis=-1)
    out[tuple(box[inside].T)] = numbers.data[tuple(there[inside].T)]
    found = numbers.data[tuple(index.T)]
    for piece in sorted(set(found.tolist()) - set(np.unique(out).tolist())):
        middle = np.rint(home[found == piece].mean(axis=0)).astype(int)
        if ((middle >= 0) & (middle < np.asarray(baseline.shape))).all() and out[tuple(middle)] == 0:
            out[tuple(middle)] = piece
    return out


def overlaps(earlier: NDArray[np.int32], later: NDArray[np.int32]) -> dict[tuple[int, int], int]:
    """(piece of the earlier, piece of the later map) -> voxels that both cover, of two maps on one grid."""
    both = (earlier > 0) & (later > 0)
    pairs, counts = np.unique(np.stack([earlier[both], later[both]], axis=1), axis=0, return_counts=True)
    return {(int(a), int(b)): int(count) for (a, b), count in zip(pairs, counts, strict=True)}


def corresponding(
    earlier: NDArray[np.int32],
    later: NDArray[np.int32],
    kept_earlier: Iterable[int],
    kept_later: Iterable[int],
    grid: Grid,
) -> dict[tuple[int, int], int]:
    """Pairs of lesions that are the same, with the voxels that both cover (0 for a pair that only comes close).

    Two lesions are the same where at least LEAST_OVERLAP of the smaller lies in the other; then those that have no partner
    yet, where their voxels' centres come within REACH_MM and a voxel, the nearest pair first.

    Args:
        earlier, later: Piece numbers on one grid.
        kept_earlier, kept_later: The pieces that are lesions.
        grid: Of both.
    """
    olds, news = sorted(set(kept_earlier)), sorted(set(kept_later))
    size_old, size_new = (np.bincount(a.ravel(), minlength=max(n, default=0) + 1) for a, n in ((earlier, olds), (later, news)))
    found = {
        (a, b): count
        for (a, b), count in overlaps(earlier, later).items()
        if a in olds and b in news and count >= LEAST_OVERLAP * min(size_old[a], size_new[b])
    }
    alone_old = [a for a in olds if all(a != pair[0] for pair in found)]
    alone_new = [b for b in news if all(b != pair[1] for pair in found)]
    from scipy.spatial import cKDTree

    reach = REACH_MM + float(grid.spacing.max())
    near = []
    points = {b: grid.to_world(np.argwhere(later == b)) for b in alone_new} if alone_old else {}
    for a in alone_old:
        tree = cKDTree(grid.to_world(np.argwhere(earlier == a)))
        near += [(float(tree.query(points[b])[0].min()), a, b) for b in alone_new if len(points[b])]
    for distance, a, b in sorted(near):
        if distance <= reach and a in alone_old and b in alone_new:
            found[a, b] = 0
            alone_old.remove(a)
            alone_new.remove(b)
    return found
