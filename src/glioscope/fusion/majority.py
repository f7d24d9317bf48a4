"""Votes that are counted: majority, weighted majority, at least k of n."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glioscope.core import InvalidImage
from glioscope.fusion.decision import TIE, Decision, reaches
from glioscope.fusion.votes import Ballot

__all__ = ["at_least", "majority", "weighted"]


def majority(ballot: Ballot, *, tie: str = "foreground") -> Decision:
    """Yes where at least half of the raters say yes (Kofler et al. 2020, BraTS Toolkit, 2.3).

    Args:
        ballot: The votes.
        tie: What exactly half of the raters means: `foreground` (at least half, the definition) or `background` (more than
            half).
    """
    return weighted(ballot, np.ones(ballot.raters), tie=tie)


def weighted(
    ballot: Ballot, weights: Sequence[float] | np.ndarray, *, tie: str = "foreground", threshold: float = 0.5
) -> Decision:
    """Yes where the raters that say yes have at least half of all weight, or another share of it.

    Args:
        ballot: The votes.
        weights: One a rater, finite, not negative, not all 0.
        tie: As for `majority`, at the threshold.
        threshold: The share that is enough, above 0, up to 1.

    Raises:
        InvalidImage: weights that are not as said.
    """
    weight = np.asarray(weights, np.float64)
    if weight.shape != (ballot.raters,) or not np.isfinite(weight).all() or (weight < 0).any() or not weight.any():
        raise InvalidImage(f"{ballot.raters} weights are needed, none negative and not all of them 0; given: {list(weights)}.")
    share = ballot.yes @ weight / weight.sum()
    return Decision(
        decided=reaches(share, tie, threshold),
        support=share,
        weights=weight,
        kept=weight > 0,
        undecided=int(ballot.counts[np.abs(share - threshold) <= TIE].sum()),
    )


def at_least(ballot: Ballot, k: int) -> Decision:
    """Yes where at least `k` raters say yes: 1 is the union, the number of raters the intersection.

    Raises:
        InvalidImage: k is not from 1 to the number of raters.
    """
    if not 1 <= k <= ballot.raters:
        raise InvalidImage(f"'At least {k}' of {ballot.raters} raters is not possible; choose from 1 to {ballot.raters}.")
    everyone = np.ones(ballot.raters)
    return Decision(ballot.yes.sum(axis=1) >= k, ballot.share, everyone, everyone.astype(bool))
