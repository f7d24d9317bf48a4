"""The classes of resection of the RANO resect group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["RESECT_DEFINITIONS", "RESECT_SOURCE", "ResectClass", "rano_resect_class", "resection_category_2021"]

RESECT_SOURCE = (
    "RANO categories for extent of resection in glioblastoma, edition of 2023: Karschnia et al., Neuro-Oncology 25:940-954, "
    "doi:10.1093/neuonc/noac193. Names of 2021: Karschnia et al., European Journal of Cancer 149:23-33, "
    "doi:10.1016/j.ejca.2021.03.002."
)

NEAR_TOTAL_ML, SUBTOTAL_ML, SUPRAMAXIMAL_ML = 1.0, 5.0, 5.0

RESECT_DEFINITIONS = {
    "1": "Supramaximal: no contrast-enhancing (CE) tumour, and at most 5 ml of non-enhancing tumour.",
    "2A": "Maximal, complete: no CE tumour, more than 5 ml of non-enhancing tumour.",
    "2B": "Maximal, near total: at most 1 ml of CE tumour.",
    "3A": "Submaximal, subtotal: at most 5 ml of CE tumour.",
    "3B": "Submaximal, partial: more than 5 ml of CE tumour.",
    "4": "Biopsy: no reduction of the CE tumour.",
}
"""The classes by residual volume alone, the first that fits; class 4 before all where surgery reduced nothing."""

_NAMES = {
    "1": "supramaximal CE resection",
    "1 or 2A": "complete or supramaximal CE resection",
    "2A": "complete CE resection (maximal)",
    "2B": "near total CE resection (maximal)",
    "3A": "subtotal CE resection (submaximal)",
    "3B": "partial CE resection (submaximal)",
    "4": "no reduction (biopsy)",
}

_UPPER = (
    "Non-enhancing tumour is counted as everything in the label map that is tumour and does not enhance, oedema too; that is "
    "more than RANO's non-enhancing tumour, so class 2A may be class 1, never the other way round."
)


@dataclass(frozen=True)
class ResectClass:
    """A class of resection.

    Attributes:
        code: `1`, `2A`, `2B`, `3A`, `3B`, `4`, `1 or 2A` where the non-enhancing tumour is not known; None without a class.
        name: In words.
        notes: What the class rests on, or why there is none.
    """

    code: str | None
    name: str
    notes: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """JSON-ready values, with the rule that gave the class."""
        rule = RESECT_DEFINITIONS.get(self.code or "")
        return {"class": self.code, "name": self.name, "rule": rule, "notes": list(self.notes)}


def rano_resect_class(
    enhancing_ml: float,
    non_enhancing_ml: float | None = None,
    before_ml: float | None = None,
    cavity_ml: float | None = None,
) -> ResectClass:
    """The class of 2023, which goes by the volumes that are left; a suggestion, as class 4 is what the surgeon set out to do.

    Args:
        enhancing_ml: Contrast-enhancing tumour after surgery. None at all means 0 ml: no voxel.
        non_enhancing_ml: Non-enhancing tumour after surgery, or None where it is not known.
        before_ml: Contrast-enhancing tumour before surgery, or None without that exam.
        cavity_ml: Resection cavity, or None where it is not known.

    Source: RESECT_SOURCE. The abstract of 2023 gives classes 1 to 4 and the 5 ml of class 1, and says that residual volume
    alone stratifies; the 1 ml and 5 ml of classes 2B and 3A are those of the categories of 2021 that it unites. That no
    voxel is 0 ml, and that class 4 goes by volumes, are readings of this package.
    """
    if before_ml is not None and before_ml <= 0:
        return ResectClass(None, "no class", ("There was no CE tumour before surgery, which the classes are about.",))
    if before_ml is not None and enhancing_ml >= before_ml:
        if cavity_ml:
            note = "There is no less CE tumour than before, yet a resection cavity: it grew since, or PRE is another exam."
            return ResectClass(None, "no class", (note,))
        note = "There is no less CE tumour than before; whether it was a biopsy is in the operation report."
        return ResectClass("4", _NAMES["4"], (note,))
    notes: list[str] = []
    if before_ml is None:
        notes.append("Without the exam before surgery a biopsy (class 4) cannot be told from a resection.")
    if enhancing_ml > 0:
        code = "2B" if enhancing_ml <= NEAR_TOTAL_ML else "3A" if enhancing_ml <= SUBTOTAL_ML else "3B"
    elif non_enhancing_ml is None:
        code = "1 or 2A"
        notes.append("The labels do not tell non-enhancing tumour, so 1 cannot be told from 2A.")
    else:
        code = "1" if non_enhancing_ml <= SUPRAMAXIMAL_ML else "2A"
        notes += [_UPPER] if code == "2A" else []
    return ResectClass(code, _NAMES[code], tuple(notes))


def resection_category_2021(enhancing_ml: float, before_ml: float) -> str | None:
    """The category of 2021, which also asks for a relative reduction: `complete`, `near total` (95 % or more and at most 1 ml
    left), `subtotal` (80 % or more and at most 5 ml), `partial`, or `biopsy` (no reduction); None where there was none before.

    Args:
        enhancing_ml: CE tumour after surgery.
        before_ml: CE tumour before surgery.

    Source: Karschnia et al., European Journal of Cancer 2021. It prints 95 to 99.9 % and 80 to 94.9 %; here the ranges meet.
    """
    if before_ml <= 0:
        return None
    if enhancing_ml >= before_ml:
        return "biopsy"
    left = enhancing_ml / before_ml
    if enhancing_ml == 0:
        return "complete"
    if left <= 0.05 + 1e-12 and enhancing_ml <= NEAR_TOTAL_ML:
        return "near total"
    return "subtotal" if left <= 0.2 + 1e-12 and enhancing_ml <= SUBTOTAL_ML else "partial"
