"""Numbers with their nouns and verbs, in sentences."""

from __future__ import annotations

__all__ = ["are", "counted", "were"]


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 exam`, `2 exams`; `plural` for a noun that does not take an s."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def are(number: int) -> str:
    """`is` for one, `are` for any other number."""
    return "is" if number == 1 else "are"


def were(number: int) -> str:
    """`was` for one, `were` for any other number."""
    return "was" if number == 1 else "were"
