"""What was done to attributes, counted, without any value."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Tally"]


@dataclass
class Tally:
    """Counts by action and attribute, and of files by the reason for which they were withheld."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    withheld: Counter[str] = field(default_factory=Counter)
    remarks: Counter[str] = field(default_factory=Counter)

    def count(self, action: str, tag: int) -> None:
        """Count one element; private ones together, since their creators are free text."""
        self.counts[action, _name(tag)] += 1

    def add(self, other: Tally) -> None:
        """Add the counts of another."""
        self.counts.update(other.counts)
        self.withheld.update(other.withheld)
        self.remarks.update(other.remarks)

    def document(self) -> dict[str, Any]:
        """JSON-ready: action -> attribute -> count, attributes sorted by tag."""
        by_action: dict[str, dict[str, int]] = {}
        for (action, name), number in sorted(self.counts.items()):
            by_action.setdefault(action, {})[name] = number
        return by_action


def _name(tag: int) -> str:
    from pydicom.datadict import dictionary_has_tag, keyword_for_tag

    group, element = tag >> 16, tag & 0xFFFF
    if group % 2:
        return "private"
    keyword = keyword_for_tag(tag) if dictionary_has_tag(tag) else ""
    return f"({group:04X},{element:04X}) {keyword}".strip()
