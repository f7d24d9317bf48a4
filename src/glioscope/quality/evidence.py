"""What several raters, an ensemble or a second opinion add to the quality statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from glioscope.quality.agreement import agreement_remarks
from glioscope.quality.alarms import alarm_remarks
from glioscope.quality.remark import Remark, Severity
from glioscope.quality.statement import judge

__all__ = ["EVIDENCE", "with_evidence"]

EVIDENCE = ("agreement", "alarms", "uncertainty", "second_opinion", "surgery")
"""The parts of a quality document that are evidence, in the order in which a report shows them."""

OUTDATED = "evidence-outdated"
_CODES = ("raters-disagree", "ensemble-alarms", OUTDATED)
_TITLES = {"alarms": "Alarms", "uncertainty": "Uncertainty", "second_opinion": "The second opinion", "surgery": "Surgery"}


def with_evidence(document: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any]:
    """A quality document with other evidence in place of what it had, judged anew.

    Uncertainty, the second opinion and what was found after surgery are shown and judge nothing: none has a limit below which
    results were seen to be bad.

    Args:
        document: `Quality.document()`, with evidence or without.
        evidence: Any of EVIDENCE -> its document; and `outdated`: a part that was left out since it is no longer of the exam's
            files -> the files that changed.
    """
    kept = [r for r in document["remarks"] if r["code"] not in _CODES]
    remarks = [Remark(Severity(r["severity"]), r["code"], r["sentence"]) for r in kept]
    if "agreement" in evidence:
        remarks += agreement_remarks({name: found["mean_dice"] for name, found in evidence["agreement"]["regions"].items()})
    if "alarms" in evidence:
        alarms = evidence["alarms"]
        remarks += alarm_remarks(alarms["risk"], alarms["possible"], alarms["share_of_cohort_with_fewer"])
    outdated = evidence.get("outdated", {})
    remarks += [Remark(Severity.INFO, OUTDATED, _told(part, files)) for part, files in outdated.items()]
    return (
        judge(remarks).document()
        | {name: evidence[name] for name in EVIDENCE if name in evidence}
        | ({"outdated": outdated} if outdated else {})
    )


def _told(part: str, files: Sequence[str]) -> str:
    title = _TITLES.get(part, part)
    what = (
        f"{', '.join(name.rpartition('/')[2] for name in files)} changed since" if files else "it does not say what it judged"
    )
    command = "surgery" if part == "surgery" else "quality"
    return f"{title} of an earlier `glioscope {command}` left out, since {what}; run it again."
