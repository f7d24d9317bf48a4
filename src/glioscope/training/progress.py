"""What training tells while it works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Position", "TrainingProgress"]


@dataclass(frozen=True)
class Position:
    """Where training is.

    Attributes:
        epoch: From 1.
        epochs: Of the whole training.
        step: Steps done.
        steps: Of the whole training.
        loss: Of the last step.
        seconds_left: As long as everything so far suggests; None before the first step.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    seconds_left: float | None


class TrainingProgress:
    """Listener; this base class says nothing. Override what you want to show.

    It may be pickled and sent to the processes that train on several devices; of these only the first one tells.
    """

    def decided(self, sentence: str) -> None:
        """Something was chosen, and why."""

    def warned(self, sentence: str) -> None:
        """Something lowers the trust in the result."""

    def exam_prepared(self, number: int, total: int, sentence: str) -> None:
        """The `number`-th of `total` exams is in the cache."""

    def fold_started(self, title: str, step: int, steps: int) -> None:
        """Training of a fold begins, or continues after `step` steps."""

    def stepped(self, position: Position) -> None:
        """One step more is done."""

    def validated(self, dice: Mapping[str, float], best: bool) -> None:
        """Held-out exams were scored: mean Dice by region, and whether it is the best so far."""

    def exam_scored(self, number: int, total: int) -> None:
        """The `number`-th of `total` exams has gone through the final validation."""

    def fold_done(self) -> None:
        """The fold is finished, or was stopped."""
