"""What a method concludes about one region, pattern by pattern."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["TIE", "Decision", "reaches"]

TIE = 1e-9
"""Shares and probabilities that differ by less are equal, so that the order in which they were added up never decides."""


def reaches(share: NDArray[np.float64], tie: str = "foreground", threshold: float = 0.5) -> NDArray[np.bool_]:
    """Which shares (0 to 1) carry the vote: at least half (or `threshold`), or more where `tie` is `background`."""
    return share >= threshold - TIE if tie == "foreground" else share > threshold + TIE


@dataclass(frozen=True, eq=False)
class Decision:
    """The answer to one yes-or-no question.

    Attributes:
        decided: Bool, (patterns,).
        support: The share of votes (weighted where the method weights them) or the probability of yes, (patterns,), 0 to 1.
        weights: What each rater's vote counted for, (raters,); 0 for one that was dropped.
        kept: Which raters had a vote in the end, (raters,).
        sensitivity: The method's own estimate of each rater's, (raters,), or None for a method that makes none.
        specificity: The same.
        rounds: Iterations it took; 1 for a method that does not iterate.
        converged: Whether it ended because nothing changed any more.
        undecided: Voxels for which yes and no were equal.
        prior: Share of the volume that was taken to be yes beforehand, for methods that need one.
    """

    decided: NDArray[np.bool_]
    support: NDArray[np.float64]
    weights: NDArray[np.float64]
    kept: NDArray[np.bool_]
    sensitivity: NDArray[np.float64] | None = None
    specificity: NDArray[np.float64] | None = None
    rounds: int = 1
    converged: bool = True
    undecided: int = 0
    prior: float | None = None
