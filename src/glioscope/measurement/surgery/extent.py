"""Extent of resection: the share of the tumour before surgery that is gone after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Extent", "extent_of_resection"]


@dataclass(frozen=True)
class Extent:
    """Volumes of one region before and after surgery in ml, and the share that was taken.

    Attributes:
        fraction: (before - after) / before: 1 where nothing is left, negative where there is more than before; None where
            there was nothing before.
        note: What keeps the fraction from meaning what it seems to; empty where nothing does.
    """

    before_ml: float
    after_ml: float
    fraction: float | None
    note: str = ""

    def document(self) -> dict[str, Any]:
        """JSON-ready values; the percentage to a tenth."""
        return {
            "before_ml": round(self.before_ml, 4),
            "after_ml": round(self.after_ml, 4),
            "removed_ml": round(self.before_ml - self.after_ml, 4),
            "extent_percent": None if self.fraction is None else round(100 * self.fraction, 1) + 0.0,
            "note": self.note,
        }


def extent_of_resection(before_ml: float, after_ml: float) -> Extent:
    """(before - after) / before.

    Args:
        before_ml: Volume in the exam before surgery, 0 or more.
        after_ml: Volume in the exam after surgery, 0 or more.

    Source: Helland et al., Scientific Reports 2023, section 1: the share of the pre-operative volume that surgery removed.
    """
    if before_ml <= 0:
        new = " There is some after it, so it is new, or was missed before." if after_ml > 0 else ""
        return Extent(before_ml, after_ml, None, f"There was none before surgery, so no share of it can be told.{new}")
    grown = "There is more after surgery than before." if after_ml > before_ml else ""
    return Extent(before_ml, after_ml, (before_ml - after_ml) / before_ml, grown)
