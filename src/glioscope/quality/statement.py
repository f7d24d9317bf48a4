"""The overall statement: a rule over remarks, not a score."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from glioscope.quality.remark import Remark, Severity

__all__ = ["Quality", "Verdict", "judge"]


class Verdict(StrEnum):
    """How far a result can be trusted."""

    GOOD = "good"
    CAUTION = "usable with caution"
    UNTRUSTED = "not to be trusted"


_ORDER = (Severity.WARNING, Severity.CAUTION, Severity.INFO)


@dataclass(frozen=True)
class Quality:
    """The verdict and its reasons, the gravest first."""

    verdict: Verdict
    remarks: tuple[Remark, ...]

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "verdict": self.verdict.value,
            "rule": "good: no caution and no warning; usable with caution: cautions only; not to be trusted: any warning",
            "remarks": [remark.document() for remark in self.remarks],
        }


def judge(remarks: Iterable[Remark]) -> Quality:
    """The gravest remark decides: a warning means not to be trusted, a caution usable with caution, else good."""
    ordered = tuple(sorted(remarks, key=lambda remark: _ORDER.index(remark.severity)))
    gravest = ordered[0].severity if ordered else Severity.INFO
    verdict = {Severity.WARNING: Verdict.UNTRUSTED, Severity.CAUTION: Verdict.CAUTION, Severity.INFO: Verdict.GOOD}[gravest]
    return Quality(verdict, ordered)
