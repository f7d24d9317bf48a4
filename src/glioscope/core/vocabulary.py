"""Words that are known to name no person."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from functools import cache
from importlib.resources import files

__all__ = ["allowed_term", "allowed_words", "package_words"]

_TOKEN = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")
_SHORT_NUMBER = re.compile(r"\d{1,2}(?:mm|d|t)?")
_TERM = re.compile(r"[ _\-/.]")


@cache
def package_words(name: str, package: str = __package__) -> frozenset[str]:
    """The words of a file in a package, by default this one (`terms.txt`, `words.txt`); comments left out."""
    text = (files(package) / name).read_text(encoding="ascii")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def allowed_term(value: str, identity: AbstractSet[str] = frozenset()) -> bool:
    """Whether a coded string is one of `terms.txt`, or joined from them and from numbers of up to two digits.

    A word in `identity` (lower case) is never allowed, whatever list it is on.
    """
    terms, upper = package_words("terms.txt"), value.strip().upper()
    if upper.lower() in identity:
        return False
    parts = [part for part in _TERM.split(upper) if part]
    return upper in terms or (
        bool(parts) and all(part in terms or re.fullmatch(r"\d{1,2}", part) for part in parts) and not _named(parts, identity)
    )


def allowed_words(text: str, identity: AbstractSet[str] = frozenset()) -> str:
    """What stays of a free text: the words of `words.txt`, numbers of one or two digits, in order, joined by spaces."""
    words = package_words("words.txt")
    kept: list[str] = []
    for token in _TOKEN.findall(text.replace("_", " ")):
        pieces = [token] if token.lower() in words else token.split("-")
        kept += [p for p in pieces if p.lower() in words or _SHORT_NUMBER.fullmatch(p.lower())]
    kept = [word for word in kept if word.lower() not in identity]
    return " ".join(kept) if any(word.lower() in words for word in kept) else ""


def _named(parts: list[str], identity: AbstractSet[str]) -> bool:
    return any(part.lower() in identity for part in parts)
