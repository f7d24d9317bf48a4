"""Names that take the place of patients and exams, in two steps by two parties."""

from __future__ import annotations

import base64
from collections.abc import Callable, Container

from glioscope.core import ProcessingFailed
from glioscope.core.vocabulary import package_words
from glioscope.deidentification.secret_key import SecretKey

__all__ = ["drawn_pseudonym", "first_level", "second_level"]

MOST_DRAWS = 1000


def first_level(key: SecretKey, kind: str, text: str, draw: int = 0) -> str:
    """The pseudonym that the hospital gives: `P` (patient) or `E` (exam) and ten letters and digits that say nothing.

    Args:
        key: The hospital's.
        kind: `patient` or `exam`.
        text: What a patient or an exam is recognised by.
        draw: 0, or higher where that one is taken.
    """
    return kind[0].upper() + base64.b32encode(key.draw(f"first-level {kind}", f"{text}\n{draw}")).decode("ascii")[:10]


def second_level(key: SecretKey, kind: str, text: str, draw: int = 0) -> str:
    """The pseudonym that the database gives on arrival, easy to remember: two adjectives and a noun.

    Args:
        key: The database's, which the hospital does not have.
        kind: `patient` or `exam`.
        text: The first pseudonym, which is all that the database knows.
        draw: 0, or higher where that one is taken.
    """
    adjectives, nouns = _listed("adjectives.txt"), _listed("nouns.txt")
    number = int.from_bytes(key.draw(f"second-level {kind}", f"{text}\n{draw}"))
    number, first = divmod(number, len(adjectives))
    number, second = divmod(number, len(adjectives) - 1)
    second += second >= first  # not twice the same
    return f"{adjectives[first]}-{adjectives[second]}-{nouns[number % len(nouns)]}"


def _listed(name: str) -> list[str]:
    return sorted(package_words(name, "glioscope.deidentification"))


def drawn_pseudonym(
    level: Callable[[SecretKey, str, str, int], str], key: SecretKey, kind: str, text: str, taken: Container[str]
) -> str:
    """The first draw of `level` that is not `taken`; raises ProcessingFailed after a thousand."""
    for draw in range(MOST_DRAWS):
        name = level(key, kind, text, draw)
        if name not in taken:
            return name
    raise ProcessingFailed("No free pseudonym was found in a thousand draws; the table holds too many for this scheme.")
