"""An exam: one imaging session of one patient."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from glioscope.core.sequence import Sequence

__all__ = ["REFERENCE_ORDER", "Exam", "bids_name"]

REFERENCE_ORDER = (Sequence.T1C, Sequence.T1N, Sequence.T2F, Sequence.T2W)
"""Which sequence's grid is the native space: the first of these that the exam has."""


@dataclass(frozen=True)
class Exam:
    """Up to four sequences of one patient in one session, as files.

    Attributes:
        id: Alphanumeric identifier, written as `sub-ID`.
        session: Alphanumeric session label, written as `ses-…`, or None.
        images: Sequence -> its volume file (NIfTI, NRRD or MetaImage).
        prepared: Whether the volumes are skull-stripped on one common grid already (every BraTS case).
    """

    id: str
    session: str | None
    images: Mapping[Sequence, Path]
    prepared: bool = False
    notes: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        """`sub-ID` or `sub-ID_ses-LABEL`."""
        return f"sub-{self.id}" + (f"_ses-{self.session}" if self.session else "")

    @property
    def folder(self) -> Path:
        """Where the exam's results lie below the output folder."""
        return Path(f"sub-{self.id}") / f"ses-{self.session}" if self.session else Path(f"sub-{self.id}")

    @property
    def reference(self) -> Sequence:
        """The sequence whose grid is the native space."""
        return next(s for s in REFERENCE_ORDER if s in self.images)


def bids_name(text: str) -> str:
    """`text` reduced to the letters and digits that a BIDS label may have; `exam` where none are left."""
    return re.sub(r"[^0-9A-Za-z]+", "", text) or "exam"
