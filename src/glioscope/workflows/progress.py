"""What a workflow tells while it works."""

from __future__ import annotations

from glioscope.core import Record, Step

__all__ = ["Progress"]


class Progress:
    """Listener of a workflow; this base class says nothing. Override what you want to show."""

    def exam_started(self, name: str, number: int, total: int) -> None:
        """Work on the `number`-th of `total` exams begins."""

    def step_started(self, step: Step) -> None:
        """A step that was not done before begins."""

    def step_done(self, step: Step, record: Record) -> None:
        """A step is done; `record.reused` tells whether an earlier run had done it."""

    def decided(self, sentence: str) -> None:
        """Something was chosen or left out, and why."""

    def warned(self, sentence: str) -> None:
        """Something lowers the trust in the result."""

    def exam_failed(self, name: str, sentence: str) -> None:
        """An exam could not be finished; the others go on."""

    def notify(self, step: Step, record: Record | None) -> None:
        """The ledger's callback, spread over the two step methods."""
        if record is None:
            self.step_started(step)
        else:
            self.step_done(step, record)
