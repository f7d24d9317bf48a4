"""Exams in the order in which a reader should look at them."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from typing import Any

from glioscope.quality.alarms import AlarmAssessment

__all__ = ["WORK_LIST_COLUMNS", "work_list", "work_list_csv"]

WORK_LIST_COLUMNS = ("rank", "case", "risk", "possible", "share_of_cohort_with_fewer", "worst_rater", "worst_region", "missing")


def work_list(assessments: Iterable[AlarmAssessment]) -> list[dict[str, Any]]:
    """One row an exam, the most alarms first, then by name; exams with equally many share a rank."""
    ordered = sorted(assessments, key=lambda found: (-found.risk, found.case))
    risks = [found.risk for found in ordered]
    return [
        {
            "rank": 1 + risks.index(found.risk),
            "case": found.case,
            "risk": found.risk,
            "possible": found.possible,
            "share_of_cohort_with_fewer": round(found.fewer, 4),
            "worst_rater": _most(alarm.rater for alarm in found.alarms),
            "worst_region": _most(alarm.region for alarm in found.alarms),
            "missing": " ".join(found.missing),
        }
        for found in ordered
    ]


def work_list_csv(rows: Iterable[dict[str, Any]]) -> str:
    """The rows of `work_list` as CSV with a header."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, WORK_LIST_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _most(names: Iterable[str]) -> str:
    counts = Counter(names).most_common(1)
    return counts[0][0] if counts else ""
