"""What a layout finds: one exam's candidates before any of them is chosen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from glioscope.core import AmbiguousExam, GlioscopeError
from glioscope.inspection.candidate import Candidate
from glioscope.inspection.inspection import Source

__all__ = ["Material", "distinct"]


@dataclass(frozen=True)
class Material:
    """One exam: who it is, where it came from, what may be its sequences, and what already rules it out.

    `doubt` rules it out only until the user says that it is one exam.
    """

    id: str
    session: str | None
    source: Source
    candidates: tuple[Candidate, ...] = ()
    problem: GlioscopeError | None = None
    brats: bool = False
    earlier: Mapping[str, Path] = field(default_factory=dict)
    doubt: AmbiguousExam | None = None

    @property
    def name(self) -> str:
        """Identifier and session."""
        return f"{self.id}/{self.session}"


def distinct(found: Iterable[tuple[Material, str]]) -> list[Material]:
    """Materials with different names: one whose letters and digits repeat another's gets a mark made of its full name.

    Args:
        found: Each material with the folder or file name that its id was made from.
    """
    taken: set[tuple[str, str | None]] = set()
    out = []
    for original, name in found:
        material = original
        if (material.id, material.session) in taken:
            material = replace(material, id=f"{material.id}x{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:6]}")
        taken.add((material.id, material.session))
        out.append(material)
    return out
