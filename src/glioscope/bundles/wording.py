"""What to say of a name that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["closest"]


def closest(word: object, known: Iterable[str]) -> str:
    """'did you mean …?' where a known name is near, else the list of all; without a full stop."""
    names = list(known)
    near = get_close_matches(str(word), names, 1)
    return f"did you mean '{near[0]}'" if near else f"known are {', '.join(names)}"
