"""STAPLE: the hidden truth and every rater's performance, estimated together by expectation maximisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InvalidImage
from glioscope.fusion.decision import TIE, Decision
from glioscope.fusion.votes import Ballot

__all__ = ["MAX_ROUNDS", "Confusion", "staple", "staple_labels"]

MAX_ROUNDS = 2_000
"""Iterations end after so many: two raters that contradict each other approach the answer ever more slowly."""

SURE = 1e-12
"""No rater is taken to be surer than this to be right, or wrong: two raters that never erred may contradict each other."""


@dataclass(frozen=True, eq=False)
class Confusion:
    """The outcome of multi-label STAPLE.

    Attributes:
        posterior: Probability of each label, (patterns, labels); rows sum to 1.
        rates: (raters, labels said, true labels): how often a rater says the one where the other is true; columns sum to 1.
        prior: Of each label, (labels,).
        rounds: Iterations.
        converged: Whether no rate changed by more than the tolerance in the last one.
    """

    posterior: NDArray[np.float64]
    rates: NDArray[np.float64]
    prior: NDArray[np.float64]
    rounds: int
    converged: bool


def staple_labels(
    said: NDArray[np.integer],
    counts: NDArray[np.int64],
    labels: int,
    *,
    prior: NDArray[np.float64] | None = None,
    estimate_prior: bool = True,
    only_said: bool = True,
    tolerance: float = 1e-7,
    max_rounds: int = MAX_ROUNDS,
) -> Confusion:
    """STAPLE with one confusion matrix a rater (Warfield et al. 2004, with several labels instead of two).

    It starts from the share of raters that give each label.

    Args:
        said: Index of the label that each rater gives, (patterns, raters), 0 (background) to `labels` - 1.
        counts: Voxels of each pattern, (patterns,).
        labels: How many labels there are, background included.
        prior: Share of the volume that each label has; None takes the mean share of all raters over the whole volume.
        estimate_prior: Where no prior is given, estimate it anew in each round; without this it stays the mean of the raters,
            which is too large for what is rarer than the raters' errors.
        only_said: Take a voxel's true label to be one that some rater gives it. Without this, the label of a small region tends
            to be taken over by another, larger pattern of disagreement that explains more of the votes.
        tolerance: It has converged when no entry of any confusion matrix changes by more.
        max_rounds: It gives up after so many.

    Raises:
        InvalidImage: priors that are not shares.
    """
    patterns, raters = said.shape
    one_hot = (said[:, :, None] == np.arange(labels)).astype(np.float64)
    posterior = one_hot.mean(axis=1)
    unsaid = (posterior == 0) & only_said
    estimate_prior = estimate_prior and prior is None
    if prior is None:
        prior = counts @ posterior / counts.sum()
    prior = np.asarray(prior, np.float64)
    if prior.shape != (labels,) or not (prior >= 0).all() or abs(prior.sum() - 1) > 1e-6:
        raise InvalidImage(
            f"A prior is a share from 0 to 1 for each of the {labels} labels, 1 in total; given: {prior.tolist()}."
        )
    evidence = one_hot.reshape(patterns, raters * labels)
    rates = np.full((raters * labels, labels), np.inf)
    perfect = np.tile(np.eye(labels), (raters, 1))  # where a label never occurs, nobody missed it
    rounds, converged = 0, False
    while not converged and rounds < max_rounds:
        rounds += 1
        mass = counts[:, None] * posterior
        total = mass.sum(axis=0)
        found = evidence.T @ mass
        anew = perfect.copy()
        np.divide(found, total, out=anew, where=total > 0)
        converged = bool(np.abs(anew - rates).max() <= tolerance)
        rates = anew
        if estimate_prior:
            prior = total / counts.sum()
        log_odds = evidence @ np.log(np.maximum(rates, SURE)) + np.log(np.maximum(prior, np.finfo(float).tiny))
        log_odds[unsaid] = -np.inf
        odds = np.exp(log_odds - log_odds.max(axis=1, keepdims=True))
        posterior = odds / odds.sum(axis=1, keepdims=True)
    return Confusion(posterior, rates.reshape(raters, labels, labels), prior, rounds, converged)


def staple(
    ballot: Ballot,
    *,
    prior: float | str | None = None,
    tolerance: float = 1e-7,
    max_rounds: int = MAX_ROUNDS,
    tie: str = "foreground",
) -> Decision:
    """Binary STAPLE (Warfield et al. 2004): yes where yes is the more probable.

    Where both are equally probable, the majority of raters decides, and where that is split too, `tie`.

    Args:
        ballot: The votes.
        prior: Share of the whole volume that is foreground, above 0 and below 1; None takes the raters' mean, as ITK does;
            `estimate` estimates it together with the rest.
        tolerance: It has converged when no sensitivity or specificity changes by more.
        max_rounds: It gives up after so many.
        tie: `foreground` or `background`.

    Raises:
        InvalidImage: a prior out of range.
    """
    given = None
    if prior is not None and prior != "estimate":
        if isinstance(prior, str) or not 0 < prior < 1:
            raise InvalidImage(f"A prior is a share of the volume above 0 and below 1, or 'estimate', not {prior}.")
        given = np.array([1 - prior, prior])
    found = staple_labels(
        ballot.yes.astype(np.intp),
        ballot.counts,
        2,
        prior=given,
        estimate_prior=prior == "estimate",
        only_said=False,
        tolerance=tolerance,
        max_rounds=max_rounds,
    )
    probability = found.posterior[:, 1]
    equal = np.abs(probability - 0.5) <= TIE
    split = np.abs(ballot.share - 0.5) <= TIE
    vote = np.where(split, tie == "foreground", ballot.share > 0.5)
    return Decision(
        decided=np.where(equal, vote, probability > 0.5),
        support=probability,
        weights=np.ones(ballot.raters),
        kept=np.ones(ballot.raters, bool),
        sensitivity=found.rates[:, 1, 1],
        specificity=found.rates[:, 0, 0],
        rounds=found.rounds,
        converged=found.converged,
        undecided=int(ballot.counts[equal].sum()),
        prior=float(found.prior[1]),
    )
