"""One thing to know about a result."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Remark", "Severity"]


class Severity(StrEnum):
    """How much a remark weighs: `info` changes nothing, `caution` calls for a look, `warning` for another result."""

    INFO = "info"
    CAUTION = "caution"
    WARNING = "warning"


@dataclass(frozen=True)
class Remark:
    """A finding about quality.

    Attributes:
        code: Stable identifier, such as `thick-slices`.
        sentence: One plain sentence with the number that led to it.
    """

    severity: Severity
    code: str
    sentence: str

    def document(self) -> dict[str, str]:
        """JSON-ready values."""
        return {"severity": self.severity.value, "code": self.code, "sentence": self.sentence}
