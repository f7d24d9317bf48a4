"""What a workflow tells while it works."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glioscope.core import Record, Step

__all__ = ["Progress", "Recorded"]


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


class Recorded(Progress):
    """Keeps what is told in another process, for `replay` to tell it here."""

    def __init__(self) -> None:
        self._told: list[tuple[str, tuple[Any, ...]]] = []

    def replay(self, to: Progress) -> None:
        """Tell it all to another listener, in order."""
        for method, values in self._told:
            getattr(to, method)(*values)


def _keeping(method: str) -> Callable[..., None]:
    def keep(self: Recorded, *values: Any) -> None:  # noqa: ANN401
        self._told.append((method, values))

    return keep


for _method in ("exam_started", "step_started", "step_done", "decided", "warned", "exam_failed"):
    setattr(Recorded, _method, _keeping(_method))
