"""A trial of a search as its listener sees it: told on, and cut off where it falls behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from glioscope.training.progress import Position, TrainingProgress

if TYPE_CHECKING:
    from optuna.trial import Trial

__all__ = ["TrialProgress"]


class TrialProgress(TrainingProgress):
    """Tells `listener` on; reports each validation to `trial`, and raises TrialPruned where Optuna gives the trial up."""

    def __init__(self, listener: TrainingProgress, trial: Trial | None) -> None:
        self._listener, self._trial = listener, trial
        self._step = self._reported = 0

    def warned(self, sentence: str) -> None:
        """Tell on."""
        self._listener.warned(sentence)

    def exam_prepared(self, number: int, total: int, sentence: str) -> None:
        """Tell on."""
        self._listener.exam_prepared(number, total, sentence)

    def fold_started(self, title: str, step: int, steps: int) -> None:
        """Tell on."""
        self._listener.fold_started(title, step, steps)

    def stepped(self, position: Position) -> None:
        """Tell on, and remember the step."""
        self._step = position.step
        self._listener.stepped(position)

    def validated(self, dice: Mapping[str, float], best: bool) -> None:
        """Tell on; raises TrialPruned."""
        self._listener.validated(dice, best)
        if self._trial is None:
            return
        import optuna

        if self._step <= self._reported:  # a further fold: the trial is judged by its first
            return
        self._reported = self._step
        self._trial.report(float(np.mean(list(dice.values()))), self._step)
        if self._trial.should_prune():
            raise optuna.TrialPruned

    def exam_scored(self, number: int, total: int) -> None:
        """Tell on."""
        self._listener.exam_scored(number, total)

    def fold_done(self) -> None:
        """Tell on."""
        self._listener.fold_done()
