"""What a command hands back: one outcome an exam, and the whole of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glioscope.core import GlioscopeError, SomeExamsFailed

__all__ = ["ExamOutcome", "Outcomes"]


@dataclass(frozen=True)
class ExamOutcome:
    """How one exam ended.

    Attributes:
        name: `sub-ID[_ses-LABEL]`.
        folder: Where its results are.
        files: What was made -> where; paths of files that exist.
        seconds: Step -> seconds it took when it ran (an earlier run's where it was reused).
        unchanged: Whether every step was found done.
        results: JSON-ready findings (volumes, diameters, quality).
        error: Why it failed, or None.
    """

    name: str
    folder: Path
    files: Mapping[str, Path] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    wall_seconds: float = 0.0
    unchanged: bool = False
    results: Mapping[str, Any] = field(default_factory=dict)
    error: GlioscopeError | None = None

    def document(self) -> dict[str, Any]:
        """The outcome as JSON-ready values."""
        status = "failed" if self.error else "unchanged" if self.unchanged else "done"
        document: dict[str, Any] = {"exam": self.name, "status": status}
        if self.error:
            return document | {"error": str(self.error), "exit_code": self.error.exit_code}
        return document | {
            "folder": str(self.folder),
            "files": {name: str(path) for name, path in self.files.items()},
            "seconds": dict(self.seconds),
            "wall_seconds": round(self.wall_seconds, 2),
            **self.results,
        }


@dataclass(frozen=True)
class Outcomes:
    """All exams of one call, in order."""

    exams: tuple[ExamOutcome, ...]

    @property
    def failed(self) -> tuple[ExamOutcome, ...]:
        """The exams that could not be finished."""
        return tuple(exam for exam in self.exams if exam.error)

    def check(self) -> None:
        """Raise what happened: the exam's own error where there is one exam, SomeExamsFailed where there are several."""
        if self.failed and len(self.exams) == 1 and self.failed[0].error:
            raise self.failed[0].error
        if self.failed:
            names = ", ".join(exam.name for exam in self.failed)
            raise SomeExamsFailed(f"{len(self.failed)} of {len(self.exams)} exams failed: {names}.")

    def document(self) -> dict[str, Any]:
        """All outcomes as JSON-ready values."""
        return {"exams": [exam.document() for exam in self.exams], "failed": len(self.failed)}
