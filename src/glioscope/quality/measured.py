"""A remark on how well the segmenter did on exams with the same sequences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from glioscope.quality.remark import Remark, Severity

__all__ = ["measured_remarks"]

CAUTION_DICE, WARNING_DICE = 0.8, 0.6
"""Mean Dice of the whole tumour below which an answer calls for a look, and for another answer."""


def measured_remarks(
    sequences: Sequence[str], exams: str, dice: Mapping[str, float], false_et_ml: float | None = None
) -> list[Remark]:
    """What was measured with these sequences, weighed by the first of the regions (the whole tumour where it is told).

    Args:
        sequences: Names for people.
        exams: On which, as the end of a sentence.
        dice: Region -> mean Dice, 0 to 1.
        false_et_ml: Most enhancing tumour found where there is none.
    """
    if not dice:
        return []
    least = dice.get("WT", next(iter(dice.values())))
    severity = Severity.WARNING if least < WARNING_DICE else Severity.CAUTION if least < CAUTION_DICE else Severity.INFO
    *first, last = sequences
    given = f"{', '.join(first)} and {last}" if first else f"{last} alone"
    values = ", ".join(f"{region} {value:.2f}" for region, value in dice.items())
    false = f", and up to {false_et_ml:.0f} ml of enhancing tumour where there was none" if (false_et_ml or 0) >= 0.5 else ""
    end = "; do not rely on it" if severity is Severity.WARNING else ""
    sentence = f"With {given} the segmenter had a mean Dice of {values}{false}, on {exams}{end}."
    return [Remark(severity, "measured-accuracy", sentence)]
