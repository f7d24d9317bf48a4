"""The four sequences of a brain-tumour exam, and the BIDS entities that name each on disk."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Sequence", "parse_sequence"]


class Sequence(StrEnum):
    """One of the four sequences; the value is the only spelling that Glioscope writes."""

    T1N = "t1n"
    T1C = "t1c"
    T2W = "t2w"
    T2F = "t2f"

    @property
    def display_name(self) -> str:
        """The name shown to people."""
        return {"t1n": "T1", "t1c": "T1 + contrast", "t2w": "T2", "t2f": "FLAIR"}[self.value]

    @property
    def bids_suffix(self) -> str:
        """The BIDS suffix: `T1w` (both T1), `T2w` or `FLAIR`."""
        return {"t1n": "T1w", "t1c": "T1w", "t2w": "T2w", "t2f": "FLAIR"}[self.value]

    @property
    def bids_contrast(self) -> str | None:
        """The value of the BIDS `ce` entity, where contrast agent was given."""
        return "gadolinium" if self is Sequence.T1C else None


_ALIASES = {
    Sequence.T1N: {"t1n", "t1", "t1w", "t1pre", "t1native", "t1nat"},
    Sequence.T1C: {"t1c", "t1ce", "t1gd", "t1cw", "t1post", "t1km", "t1wce", "t1contrast", "cet1", "gdt1"},
    Sequence.T2W: {"t2w", "t2"},
    Sequence.T2F: {"t2f", "flair", "fla", "t2flair", "t2wflair", "fl"},
}
_BY_ALIAS = {alias: sequence for sequence, aliases in _ALIASES.items() for alias in aliases}


def parse_sequence(text: str) -> Sequence | None:
    """The sequence that `text` spells in any of the field's spellings (`t1ce`, `T1-Gd`, `flair` …), or None."""
    return _BY_ALIAS.get("".join(c for c in text.lower() if c.isalnum()))
