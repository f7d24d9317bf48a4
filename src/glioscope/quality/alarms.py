"""The alarms of one exam, by the thresholds of a cohort."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

from glioscope.core import InvalidImage
from glioscope.core.counting import counted
from glioscope.quality.alarm_calibration import AlarmCalibration
from glioscope.quality.remark import Remark, Severity
from glioscope.quality.similarity import METRICS, Similarities, finite_or_none

__all__ = ["Alarm", "AlarmAssessment", "alarm_remarks", "raise_alarms"]

CAUTION_SHARE = 0.75
"""An exam with more alarms than this share of the calibration cohort calls for a look."""


@dataclass(frozen=True)
class Alarm:
    """One rater's similarity in one region that is unusually low. `value` may be NaN or infinite."""

    rater: str
    region: str
    metric: str
    value: float
    threshold: float

    @property
    def reason(self) -> str:
        """Why, in a word."""
        return "beyond threshold" if math.isfinite(self.value) else "not finite" if math.isinf(self.value) else "no value"

    def document(self) -> dict[str, Any]:
        """JSON-ready values; a value that is not finite is null."""
        numbers = {"value": finite_or_none(self.value), "threshold": finite_or_none(self.threshold)}
        names = {"rater": self.rater, "region": self.region, "metric": self.metric, "metric_title": METRICS[self.metric].title}
        return {**names, **numbers, "unit": METRICS[self.metric].unit, "reason": self.reason}


@dataclass(frozen=True)
class AlarmAssessment:
    """How suspicious the discord of an exam's raters is.

    Attributes:
        case: Name of the exam.
        alarms: Those raised, by rater, region and metric; `risk` is their number.
        possible: How many there could be.
        fewer: Share of the calibration cohort, 0 to 1, that has fewer alarms.
        cohort: Number of exams of that cohort.
        missing: Raters of the calibration that gave no mask.
        similarities: What the alarms were raised on.
        ignored: Raters of the exam that the calibration does not know and that were left out.
    """

    case: str
    alarms: tuple[Alarm, ...]
    possible: int
    fewer: float
    cohort: int
    alpha: float
    missing: tuple[str, ...]
    similarities: Similarities
    ignored: tuple[str, ...] = ()

    @property
    def risk(self) -> int:
        """Number of alarms."""
        return len(self.alarms)

    @property
    def paragraph(self) -> str:
        """The findings in sentences, for a report."""
        words = [
            f"{self.risk} of {self.possible} ensemble-discord alarms (alpha {self.alpha:g}); {100 * self.fewer:.0f} % of the "
            f"{counted(self.cohort, 'exam')} of the calibration cohort have fewer."
        ]
        if self.alarms:
            raters = Counter(alarm.rater for alarm in self.alarms).most_common(3)
            regions = Counter(alarm.region for alarm in self.alarms).most_common(3)
            words.append(f"Most by rater: {_counts(raters)}; by region: {_counts(regions)}.")
        infinite = sum(not math.isfinite(alarm.value) for alarm in self.alarms)
        if infinite:
            words.append(f"{infinite} for a region that one mask has and the other has not, or for a mask that is missing.")
        if self.missing:
            words.append(f"No mask from {', '.join(self.missing)}, which counts as alarm.")
        if self.ignored:
            words.append(f"Left out, since the calibration does not know them: {', '.join(self.ignored)}.")
        words.append("Alarms show where raters disagree; an error that all of them share raises none.")
        return " ".join(words)

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "case": self.case,
            "risk": self.risk,
            "possible": self.possible,
            "share_of_cohort_with_fewer": round(self.fewer, 4),
            "cohort": self.cohort,
            "alpha": self.alpha,
            "missing_raters": list(self.missing),
            "ignored_raters": list(self.ignored),
            "paragraph": self.paragraph,
            "alarms": [alarm.document() for alarm in self.alarms],
            "similarities": {
                rater: {region: {m: finite_or_none(v) for m, v in values.items()} for region, values in regions.items()}
                for rater, regions in self.similarities.items()
            },
        }


def _counts(pairs: list[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {number}" for name, number in pairs)


def raise_alarms(case: str, table: Similarities, calibration: AlarmCalibration) -> AlarmAssessment:
    """Apply a calibration to one exam: a similarity below its threshold raises an alarm, one that is not finite too.

    Args:
        case: Name of the exam.
        table: Its raters' similarities to their fusion, made as those of the calibration.
        calibration: Thresholds.

    Raises:
        InvalidImage: a rater that the calibration does not know.
    """
    unknown = sorted(set(table) - set(calibration.raters))
    if unknown:
        raise InvalidImage(
            f"'{case}' has raters that the calibration does not know ({', '.join(unknown)}); it knows "
            f"{', '.join(calibration.raters)}. Name masks as there (NAME=FILE), leave others out, or calibrate with them."
        )
    row = calibration.row(table)
    alarms = tuple(
        Alarm(*key, float(value), calibration.thresholds[key])
        for key, value, flag in zip(calibration.keys, row, calibration.flags(row), strict=True)
        if flag
    )
    return AlarmAssessment(
        case,
        alarms,
        possible=len(calibration.keys),
        fewer=float((calibration.risks < len(alarms)).mean()),
        cohort=len(calibration.values),
        alpha=calibration.alpha,
        missing=tuple(rater for rater in calibration.raters if rater not in table),
        similarities=table,
    )


def alarm_remarks(risk: int, possible: int, fewer: float) -> list[Remark]:
    """A caution where an exam has more alarms than three quarters of the calibration cohort."""
    if not risk or fewer < CAUTION_SHARE:
        return []
    sentence = (
        f"The raters disagree unusually: {risk} of {possible} alarms, more than {100 * fewer:.0f} % of the calibration cohort; "
        "look at this exam first."
    )
    return [Remark(Severity.CAUTION, "ensemble-alarms", sentence)]
