"""What was found in one exam, and whether it can be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from glioscope.core import REFERENCE_ORDER, AmbiguousExam, GlioscopeError, MissingSequence, Sequence
from glioscope.inspection.candidate import Candidate

__all__ = ["Inspection", "Source"]

Source = Literal["dicom", "images", "brats", "bids", "manifest"]


@dataclass(frozen=True)
class Inspection:
    """One exam as found.

    Attributes:
        id: Alphanumeric; from the folder or file name, never from a patient's data.
        session: Alphanumeric label or None.
        source: What kind of folder it came from.
        candidates: Everything that may be a sequence, with what was set aside and why.
        chosen: Sequence -> the candidate that is used.
        ambiguous: Sequence -> candidates that cannot be told apart.
        missing: Sequences for which there is no candidate.
        prepared: Whether the volumes are skull-stripped on one common grid already.
        warnings: One sentence each.
        problem: Why this exam cannot be used, or None.
        earlier: Of the patient's earlier exam, what a manifest names: `exam` (whatever an exam can be), and `pre-t1c`,
            `pre-mask` … (files in the space of this exam).
    """

    id: str
    session: str | None
    source: Source
    candidates: tuple[Candidate, ...] = ()
    chosen: Mapping[Sequence, Candidate] = field(default_factory=dict)
    ambiguous: Mapping[Sequence, tuple[Candidate, ...]] = field(default_factory=dict)
    missing: tuple[Sequence, ...] = ()
    prepared: bool = False
    warnings: tuple[str, ...] = ()
    problem: GlioscopeError | None = None
    earlier: Mapping[str, Path] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """`sub-ID` or `sub-ID_ses-LABEL`."""
        return f"sub-{self.id}" + (f"_ses-{self.session}" if self.session else "")

    @property
    def reference(self) -> Sequence:
        """The sequence whose grid is the native space; raises MissingSequence where none was chosen."""
        found = next((s for s in REFERENCE_ORDER if s in self.chosen), None)
        if found is None:
            raise MissingSequence(f"{self.name} has no sequence that can be used.")
        return found

    def resolved(self) -> None:
        """Return where the exam can be used as it is.

        Raises:
            GlioscopeError: the exam's problem.
            AmbiguousExam: candidates that cannot be told apart; the sentence lists them.
        """
        if self.problem is not None:
            raise self.problem
        for sequence, rivals in self.ambiguous.items():
            names = ", ".join(f"'{c.name}'" for c in rivals)
            what = f"{len(rivals)} candidates for {sequence.display_name} ({names})"
            raise AmbiguousExam(f"{self.name} has {what}; give one with --{sequence} FILE.")

    def document(self) -> dict[str, Any]:
        """JSON-ready: no identifiers, no absolute paths."""
        return {
            "id": self.id,
            "session": self.session,
            "source": self.source,
            "prepared": self.prepared,
            "reference": self.reference.value if self.chosen else None,
            "chosen": {s.value: c.name for s, c in self.chosen.items()},
            "ambiguous": {s.value: [c.name for c in rivals] for s, rivals in self.ambiguous.items()},
            "missing": [s.value for s in self.missing],
            "candidates": [c.document() for c in self.candidates],
            "warnings": list(self.warnings),
            "problem": str(self.problem) if self.problem else None,
        }
