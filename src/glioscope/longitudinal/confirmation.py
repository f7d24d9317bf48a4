"""Whether a later exam bears out a category of response."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["CONFIRM_DAYS", "Category", "Confirmation", "confirm"]

Category = Literal["baseline", "CR", "PR", "MR", "SD", "PD"]

CONFIRM_DAYS = 28
"""Days after which a second exam confirms a category."""

_GOOD: tuple[Category, ...] = ("MR", "PR", "CR")


@dataclass(frozen=True)
class Confirmation:
    """What later exams say of the category of one.

    Attributes:
        state: `not needed` (SD, baseline), `confirmed`, `open` (no exam late enough), `not confirmed`, or `unknown` (no dates).
        rule: The sentence that gave it; empty where none is needed.
    """

    state: Literal["not needed", "confirmed", "open", "not confirmed", "unknown"] = "not needed"
    rule: str = ""

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {"state": self.state, "rule": self.rule}


def confirm(
    categories: Sequence[Category], days: Sequence[float] | None, still_there: Sequence[Sequence[bool]]
) -> tuple[Confirmation, ...]:
    """The confirmation of each exam's category by another exam, CONFIRM_DAYS away or more.

    What was no worse so long before, and all the time since, is confirmed: CR before PR before MR, and PD by PD. Else the first
    exam so long after decides. A response (CR, PR, MR) is confirmed where that exam and all between are no worse, PD where that
    exam is PD too, or still has a lesion whose appearance made it PD.

    Args:
        categories: Of each exam, in the order of time.
        days: Of each exam; None where no dates are known.
        still_there: For each exam, whether a lesion whose appearance made it PD is there at each exam.
    """
    return tuple(_confirm(time, categories, days, still_there[time]) for time in range(len(categories)))


def _confirm(
    time: int, categories: Sequence[Category], days: Sequence[float] | None, still_there: Sequence[bool]
) -> Confirmation:
    category = categories[time]
    if category in ("baseline", "SD"):
        return Confirmation()
    weeks = f"{CONFIRM_DAYS // 7} weeks"
    if days is None:
        return Confirmation("unknown", f"Whether an exam {weeks} later confirms it cannot be told without dates.")
    for earlier in range(time - 1, 0, -1):
        if not (categories[earlier] in _GOOD[_GOOD.index(category) :] if category in _GOOD else categories[earlier] == "PD"):
            break
        gap = days[time] - days[earlier]
        if gap >= CONFIRM_DAYS:
            return Confirmation(
                "confirmed", f"Confirmed: exam {earlier + 1}, {gap:.0f} days before, was {categories[earlier]}."
            )
    for later in range(time + 1, len(categories)):
        gap = days[later] - days[time]
        told = f"exam {later + 1}, {gap:.0f} days later"
        if category in _GOOD:
            kept = categories[later] in _GOOD[_GOOD.index(category) :]
            if not kept:
                return Confirmation("not confirmed", f"Not confirmed: {told}, is {categories[later]}.")
        else:
            kept = categories[later] == "PD" or still_there[later]
        if gap >= CONFIRM_DAYS:
            what = "" if categories[later] != "SD" else ", where the lesion still is"
            if kept:
                return Confirmation("confirmed", f"Confirmed by {told}{what}.")
            return Confirmation("not confirmed", f"Not confirmed: {told}, is {categories[later]}.")
    return Confirmation("open", f"To be confirmed by an exam {weeks} later or more.")
