"""One weight a rater for a weighted vote or mean, fitted on exams with a reference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InvalidImage
from glioscope.fusion.decision import TIE
from glioscope.fusion.votes import Votes

__all__ = ["fit_weights"]

GRID = np.linspace(0, 1, 21)
"""Weights that the search tries for a rater, relative to the largest."""
GAIN = 1e-6
"""A change that improves the mean Dice by less is none: equal weights stay equal where the data do not tell otherwise."""
LEVELS = 20
"""Probabilities are rounded to so many steps, so that voxels of one kind are counted instead of looked at again."""


@dataclass(frozen=True, eq=False)
class _Evidence:
    """One exam: the voxels that weights decide about, by kind, and sums over the others.

    Attributes:
        said: What the raters say, (kinds, raters), 0 to 1.
        counts: Voxels of each kind.
        true: How many of them are truly yes.
        size: Voxels that are yes whatever the weights are.
        found: How many of these are truly yes.
        positive: All that are truly yes.
        threshold: Yes from this mean on.
    """

    said: NDArray[np.float64]
    counts: NDArray[np.float64]
    true: NDArray[np.float64]
    size: float
    found: float
    positive: float
    threshold: float

    @classmethod
    def of(cls, said: Sequence[NDArray[Any]], true: NDArray[Any], threshold: float) -> _Evidence:
        levels = [np.rint(np.asarray(one, np.float32) * LEVELS).astype(np.uint8) for one in said]
        votes = Votes.of([*levels, np.asarray(true, bool)])
        kinds, counts = votes.patterns[:, :-1] / LEVELS, votes.counts.astype(float)
        right = counts * votes.patterns[:, -1]
        yes, no = kinds.min(axis=1) >= threshold - TIE, kinds.max(axis=1) < threshold - TIE
        open_ = ~(yes | no)
        sure = float(counts[yes].sum()), float(right[yes].sum()), float(right.sum())
        return cls(kinds[open_], counts[open_], right[open_], *sure, threshold)

    def dice(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Dice of the weighted vote with the reference for each row of `weights`; 1 where both are empty."""
        decided = self.said @ (weights / weights.sum(axis=1, keepdims=True)).T >= self.threshold - TIE
        total = self.size + self.counts @ decided + self.positive
        return np.where(total > 0, 2 * (self.found + self.true @ decided) / np.maximum(total, 1), 1.0)


def _mean_dice(exams: Sequence[_Evidence], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.mean([exam.dice(weights) for exam in exams], axis=0))


def fit_weights(exams: Iterable[tuple[Sequence[NDArray[Any]], NDArray[Any]]], *, threshold: float = 0.5) -> tuple[float, ...]:
    """The weights with which the raters' mean, cut at `threshold`, has the greatest mean Dice over the exams.

    For one label or region; each has weights of its own (BraTS 2024 post-treatment glioma ensemble, section 2.5). The exams
    should be ones that no rater was trained on and that the fusion is not judged by. The search makes the best single change of
    one rater's weight, again and again, from three starts: equal weights, each rater's own Dice, and the best rater with the
    others as a makeweight. Probabilities are rounded to steps of 0.05.

    Args:
        exams: For each, what every rater says (masks, or probabilities in [0, 1]), in the same order everywhere, and the
            reference's mask; arrays of one shape.
        threshold: From this mean on, the answer is yes.

    Returns:
        One weight a rater, the largest 1; all equal where the exams do not tell otherwise.

    Raises:
        InvalidImage: no exams, not the same number of raters everywhere, or arrays that do not fit together.
    """
    evidence = [_Evidence.of(said, true, threshold) for said, true in exams]
    if not evidence or len({exam.said.shape[1] for exam in evidence}) > 1:
        raise InvalidImage("Weights are fitted on one exam or more, each with one mask of every rater.")
    raters = evidence[0].said.shape[1]
    alone = _mean_dice(evidence, np.eye(raters))
    equal = np.ones(raters)
    leader = np.where(np.arange(raters) == alone.argmax(), 1.0, 0.25)
    best, best_score = equal, float(_mean_dice(evidence, equal[None])[0])
    for start in (equal, alone if alone.any() else equal, leader):
        weight, score = _climb(evidence, start / start.max())
        if score > best_score + GAIN:
            best, best_score = weight, score
    return tuple(round(float(w), 6) for w in best / best.max())


def _climb(exams: Sequence[_Evidence], weight: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """The best single change, until none helps; the weights and their mean Dice."""
    score = float(_mean_dice(exams, weight[None])[0])
    while True:
        trials = np.repeat(weight[None], len(weight) * len(GRID), axis=0)
        trials[np.arange(len(trials)), np.repeat(np.arange(len(weight)), len(GRID))] = np.tile(GRID, len(weight))
        trials = trials[trials.sum(axis=1) > 0]
        scores = _mean_dice(exams, trials)
        top = int(scores.argmax())
        if scores[top] <= score + GAIN:
            return weight, score
        weight, score = trials[top], float(scores[top])
