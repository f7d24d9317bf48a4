"""The numbers of an exam for its DICOM measurement report: of each segment, by RANO, and what surgery left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glioscope.core import Sequence, Volume, get_scheme
from glioscope.workflows.assessment import current_assessment
from glioscope.workflows.dicom_results import RunResults
from glioscope.workflows.progress import Progress

if TYPE_CHECKING:
    from glioscope.dicom import Finding

__all__ = ["exam_findings", "segment_numbers"]


def exam_findings(exam: RunResults, rano: dict[str, Any], progress: Progress) -> tuple[Finding, ...]:
    """RANO's lesions and sums, and what `glioscope surgery` found, if that is of the label map that lies there now.

    Args:
        exam: The exam.
        rano: What `segment_numbers` gives.
        progress: Hears why what surgery found is left out.

    Raises:
        InputUnreadable: what was found is damaged.
    """
    from glioscope.dicom import rano_findings, surgery_findings

    findings = rano_findings(rano, exam.scheme)
    current, outdated = current_assessment(exam.folder)
    surgery, labels = current.get("surgery"), exam.labels()
    if surgery and labels and surgery["after"] == labels.name:
        return findings + surgery_findings(surgery, get_scheme(surgery["scheme"]))
    if surgery or "surgery" in outdated:
        progress.warned(f"What `glioscope surgery` found of {exam.name} is of another label map and is left out; run it again.")
    return findings


def segment_numbers(exam: RunResults, labels: Volume, sequence: Sequence) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Label or region -> arguments of `SegmentMeasurements`, measured on the grid of the segmentation; and what RANO says.

    The side is the report's, and so are the intervals: they come from maps on the native grid, so on another series there are
    none.

    Args:
        exam: The exam.
        labels: Label map on the series that the segmentation lies on.
        sequence: That series.
    """
    from glioscope.dicom import INTERVAL_LEVEL, QUANTITIES, focality, private
    from glioscope.measurement import measure

    known = [name for name in exam.scheme.regions if name not in exam.unknown]
    document = measure(labels, exam.scheme, known=known).document()
    sides = exam.measurements.get("location", {}).get("regions", {})
    foci, intervals = document["foci"] or {}, exam.measurements.get("volume_intervals", {})
    percent = intervals.get("percent")
    held = "by the errors on exams not learnt from" if intervals.get("widened_by") else "if the voxels' probabilities hold"
    found: dict[str, dict[str, Any]] = {}
    for kind in ("labels", "regions"):
        for name, region in document[kind].items():
            told: dict[str, Any] = {"values": {key: region[key] for key in QUANTITIES if region.get(key) is not None}}
            evaluations = []
            if kind == "regions":
                told["side"] = sides.get(name, {}).get("side")
            interval = exam.measurements.get(kind, {}).get(name, {}).get("volume_interval_ml")
            if interval and percent and sequence is exam.native:
                told["interval_ml"] = (float(interval[0]), float(interval[1]))
                evaluations.append((INTERVAL_LEVEL, private(f"CI{percent}", f"{percent} %, {held}")))
            if kind == "regions" and name == foci.get("region"):
                evaluations.append(focality(foci["multifocality"]))
            found[name] = {**told, "evaluations": tuple(evaluations)}
    return found, document["rano"]
