"""How far raters agree, voxel by voxel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.fusion.votes import Votes

__all__ = ["vote_counts", "vote_entropy"]


def vote_counts(maps: Sequence[NDArray[Any]] | Votes, values: Iterable[int]) -> NDArray[np.uint16]:
    """How many raters give a voxel one of the label `values`, 0 to n; where it is k or more, at least k of n agree.

    Args:
        maps: Label maps of one shape, or their votes.
        values: The labels of a region.

    Raises:
        InvalidImage: maps that `Votes.of` refuses.
    """
    votes = maps if isinstance(maps, Votes) else Votes.of(maps)
    return votes.paint(votes.ballot(values).yes.sum(axis=1).astype(np.uint16))


def vote_entropy(maps: Sequence[NDArray[Any]] | Votes) -> NDArray[np.float32]:
    """Entropy of the labels that raters give a voxel, background included, in bits: 0 where all agree, 1 for half and half.

    Args:
        maps: Label maps of one shape, or their votes.

    Raises:
        InvalidImage: maps that `Votes.of` refuses.
    """
    votes = maps if isinstance(maps, Votes) else Votes.of(maps)
    entropy = np.zeros(len(votes.patterns))
    for value in np.unique(votes.patterns):
        share = (votes.patterns == value).mean(axis=1)
        entropy -= share * np.log2(np.where(share > 0, share, 1))
    return votes.paint(np.maximum(entropy, 0).astype(np.float32))  # -0.0 where all agree
