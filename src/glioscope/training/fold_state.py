"""How far the training of a fold is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["FoldState"]


@dataclass
class FoldState:
    """All of a run that is not weights: kept in the checkpoint, so that a killed run goes on as if nothing had been.

    Attributes:
        step: Steps of the optimiser that are done.
        sample: Number of the next sample; with the seed it decides everything that is random.
        loss_sum: Of the steps of this epoch.
        loss_steps: How many these are.
        seconds: Spent on all steps and validations.
        best: Best score so far, or None before the first validation.
        waited: Validations since then.
        finished: Whether training is over, early or not.
        history: A row for each finished epoch: `epoch` (from 1), `step`, `lr`, `loss`, `seconds` and, where it was
            validated, `dice` and `dice_REGION`.
    """

    step: int = 0
    sample: int = 0
    loss_sum: float = 0.0
    loss_steps: int = 0
    seconds: float = 0.0
    best: float | None = None
    waited: int = 0
    finished: bool = False
    history: list[dict[str, float]] = field(default_factory=list)

    def add_loss(self, loss: float) -> None:
        """Count the loss of one step."""
        self.loss_sum += loss
        self.loss_steps += 1

    def end_epoch(self, lr: float) -> dict[str, float]:
        """Close the epoch: its row of the history, also returned."""
        mean = self.loss_sum / self.loss_steps if self.loss_steps else 0.0
        row = {"epoch": len(self.history) + 1, "step": self.step, "lr": lr, "loss": mean, "seconds": round(self.seconds, 1)}
        self.history.append(row)
        self.loss_sum, self.loss_steps = 0.0, 0
        return row

    def judge(self, score: float) -> bool:
        """Take note of a validation's score; true where it is the best so far."""
        better = self.best is None or score > self.best
        self.waited = 0 if better else self.waited + 1
        if better:
            self.best = score
        return better

    def document(self) -> dict[str, Any]:
        """Plain values; `of_document` reads them."""
        return asdict(self)

    @staticmethod
    def of_document(document: Mapping[str, Any]) -> FoldState:
        """The state that `document` wrote."""
        return FoldState(**document)
