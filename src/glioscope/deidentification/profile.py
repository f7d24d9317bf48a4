"""The Basic Application Level Confidentiality Profile (DICOM PS3.15, 2026c, table E.1-1) as data."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

__all__ = ["PROFILE_EDITION", "profile_action"]

PROFILE_EDITION = "DICOM PS3.15 2026c"


@cache
def _table() -> tuple[dict[int, str], list[tuple[str, str]]]:
    """Actions by tag, and those of patterns (repeating groups)."""
    exact: dict[int, str] = {}
    patterns: list[tuple[str, str]] = []
    for line in (files(__package__) / "profile.tsv").read_text(encoding="ascii").splitlines():
        if line.startswith("#"):
            continue
        tag, action, _ = line.split("\t")
        if "x" in tag:
            patterns.append((tag, action))
        else:
            exact[int(tag, 16)] = action
    return exact, patterns


def profile_action(tag: int) -> str | None:
    """The table's action for an attribute (`X`, `Z`, `D`, `U`, `X/Z` …), None where the table does not name it."""
    exact, patterns = _table()
    if tag in exact:
        return exact[tag]
    text = f"{tag:08X}"
    for pattern, action in patterns:
        if all(p in ("x", t) for p, t in zip(pattern, text, strict=True)):
            return action
    return None
