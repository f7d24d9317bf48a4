"""SIMPLE: votes weighted by agreement with the consensus, and raters that do not agree with it dropped."""

from __future__ import annotations

import numpy as np

from glioscope.core import InvalidImage
from glioscope.fusion.decision import TIE, Decision, reaches
from glioscope.fusion.votes import Ballot

__all__ = ["simple"]


def simple(ballot: Ballot, *, threshold: float = 0.5, tie: str = "foreground", max_rounds: int = 100) -> Decision:
    """Selective and iterative method for performance level estimation (Langerak et al. 2010; BraTS Toolkit, 2.3).

    The first consensus is the majority of all raters. In each round every rater's Dice with the consensus is its weight, raters
    whose Dice is below `threshold` times that of the best are dropped for good, and the rest vote anew by weight. It ends when
    neither the consensus nor the raters change. The best rater always stays, so that there is always one.

    Args:
        ballot: The votes.
        threshold: 0 (nobody is ever dropped) up to, not including, 1.
        tie: As for `majority`.
        max_rounds: It gives up after so many, and says that it did not converge; that ends a consensus that goes to and fro.

    Raises:
        InvalidImage: a threshold out of range.
    """
    if not 0 <= threshold < 1:
        raise InvalidImage(
            f"The threshold of SIMPLE is a share of the best rater's Dice, from 0 to below 1, not {threshold:g}."
        )
    kept, weight, share = np.ones(ballot.raters, bool), np.ones(ballot.raters), ballot.share
    decided = reaches(share, tie)
    converged, rounds = False, 0
    while not converged and rounds < max_rounds:
        rounds += 1
        agreement = ballot.dice(decided)
        best = agreement[kept].max()
        if best <= 0:  # no rater shares a voxel with the consensus: there is nothing to weight by
            converged = True
            break
        still = kept & (agreement >= threshold * best - TIE)
        weight = np.where(still, agreement, 0.0)
        share = ballot.yes @ weight / weight.sum()
        anew = reaches(share, tie)
        converged = bool((anew == decided).all() and (still == kept).all())
        decided, kept = anew, still
    return Decision(
        decided=decided,
        support=share,
        weights=weight,
        kept=kept,
        rounds=rounds,
        converged=converged,
        undecided=int(ballot.counts[np.abs(share - 0.5) <= TIE].sum()),
    )
