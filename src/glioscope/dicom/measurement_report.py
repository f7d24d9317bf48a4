"""What was measured as a DICOM structured report (PS3.16, TID 1500): one TID 1411 a segment, one TID 1501 a finding."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass
from typing import Any

from glioscope.dicom.codes import BRAIN, Code, Segment
from glioscope.dicom.findings import Finding
from glioscope.dicom.identifiers import uid_of
from glioscope.dicom.product import MANUFACTURER, MODEL, NO_SERIAL_NUMBER, Algorithm, Place, declare_codes, finished
from glioscope.dicom.quantities import LOWER_UNCERTAINTY, ML, QUANTITIES, UPPER_UNCERTAINTY
from glioscope.dicom.quiet import quietly
from glioscope.dicom.segmentation import concept, tracking_of
from glioscope.dicom.source_series import SourceSeries

__all__ = ["SegmentMeasurements", "make_measurement_report"]


_SIDES: Mapping[str, Code] = {
    "left": Code("7771000", "SCT", "Left"),
    "right": Code("24028007", "SCT", "Right"),
    "both": Code("51440002", "SCT", "Bilateral"),
}


@dataclass(frozen=True)
class SegmentMeasurements:
    """What was measured of one segment.

    Attributes:
        segment: The segment.
        number: Its number in the segmentation object.
        segmentation: That object (`highdicom.seg.Segmentation`).
        place: Its series and instance.
        values: Names of `QUANTITIES` -> number; what could not be measured (a diameter of nothing) is left out.
        side: `left`, `right` or `both` (the patient's), or None where it is not known.
        interval_ml: Of the volume, where there is one: it is told as the way from the volume down and up to its ends.
        evaluations: Pairs of a coded question and its coded answer.
    """

    segment: Segment
    number: int
    segmentation: Any
    place: Place
    values: Mapping[str, float]
    side: str | None = None
    interval_ml: tuple[float, float] | None = None
    evaluations: tuple[tuple[Code, Code], ...] = ()


def make_measurement_report(
    measured: Many[SegmentMeasurements],
    series: SourceSeries,
    algorithm: Algorithm,
    place: Place,
    title: str,
    findings: Many[Finding] = (),
) -> Any:  # noqa: ANN401
    """The report as a `highdicom.sr.ComprehensiveSR`: complete, not verified by any person, preliminary.

    Args:
        measured: Of each segment; one at least.
        series: The source.
        algorithm: What found the segments.
        place: Series and instance.
        title: Series description, at most 64 characters.
        findings: What belongs to no segment.

    Raises:
        ProcessingFailed: the headers of the source do not allow it.
    """
    from highdicom import sr
    from pydicom.sr.codedict import codes

    with quietly("make the measurement report"):
        device = sr.DeviceObserverIdentifyingAttributes(
            uid=uid_of("device", MODEL, algorithm.version),
            name=MODEL,
            manufacturer_name=MANUFACTURER,
            model_name=MODEL,
            serial_number=NO_SERIAL_NUMBER,
        )
        observer = sr.ObservationContext(observer_device_context=sr.ObserverContext(codes.DCM.Device, device))
        content = sr.MeasurementReport(
            observation_context=observer,
            procedure_reported=concept(Code("24590-2", "LN", "MR Brain")),
            imaging_measurements=[
                *(_group(one, series, algorithm) for one in measured),
                *(_finding(one, algorithm, measured[0].place) for one in findings),
            ],
            title=codes.DCM.ImagingMeasurementReport,
            # highdicom describes no multi-frame image; the evidence names it all the same
            referenced_images=None if series.multiframe else list(series.images),
        )
        evidence = {str(one.segmentation.SOPInstanceUID): one.segmentation for one in measured}
        dataset = sr.ComprehensiveSR(
            evidence=[*series.images, *evidence.values()],
            content=content,
            series_instance_uid=place.series_uid,
            series_number=place.series_number,
            sop_instance_uid=place.instance_uid,
            instance_number=1,
            manufacturer=MANUFACTURER,
            manufacturer_model_name=MODEL,
            software_versions=algorithm.version,
            device_serial_number=NO_SERIAL_NUMBER,
            is_complete=True,
            is_final=False,
            series_description=title,
            specific_character_set=None,
        )
        declare_codes(dataset)
        return finished(dataset, series, place)


def _group(one: SegmentMeasurements, series: SourceSeries, algorithm: Algorithm) -> Any:  # noqa: ANN401
    from highdicom import sr

    name, uid = tracking_of(one.segment, one.place)
    side = _SIDES.get(one.side or "")
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid, name),
        referenced_segment=sr.ReferencedSegment(
            one.segmentation.SOPClassUID,
            one.segmentation.SOPInstanceUID,
            one.number,
            source_series=sr.SourceSeriesForSegmentation(series.first.SeriesInstanceUID),
        ),
        finding_type=concept(one.segment.type),
        algorithm_id=_identified(algorithm),
        finding_sites=[sr.FindingSite(concept(BRAIN), concept(side) if side else None)],
        measurements=_measurements(one.values, one.interval_ml),
        qualitative_evaluations=_evaluations(one.evaluations),
    )


def _finding(one: Finding, algorithm: Algorithm, segmented: Place) -> Any:  # noqa: ANN401
    """Tracked by the segmentation it was found in, so that a report that tells more of it still tells of the same finding."""
    from highdicom import sr

    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid_of("tracking", segmented.instance_uid, one.identifier), one.identifier),
        finding_type=concept(one.type),
        method=concept(one.method) if one.method else None,
        algorithm_id=_identified(algorithm),
        finding_sites=[sr.FindingSite(concept(BRAIN))],
        measurements=_measurements(one.values),
        qualitative_evaluations=_evaluations(one.evaluations),
    )


def _identified(algorithm: Algorithm) -> Any:  # noqa: ANN401
    from highdicom import sr

    return sr.AlgorithmIdentification(algorithm.name, algorithm.version, algorithm.listed() or None)


def _measurements(values: Mapping[str, float], interval_ml: tuple[float, float] | None = None) -> list[Any]:
    from highdicom import sr

    return [
        sr.Measurement(
            concept(quantity.name),
            float(values[key]),
            concept(quantity.unit),
            method=concept(quantity.method) if quantity.method else None,
            properties=_uncertainty(values[key], interval_ml) if key == "volume_ml" and interval_ml else None,
        )
        for key, quantity in QUANTITIES.items()
        if key in values
    ]


def _uncertainty(volume_ml: float, interval_ml: tuple[float, float]) -> Any:  # noqa: ANN401
    """TID 310 with both ranges, in the unit of the volume (highdicom would write them without one)."""
    from highdicom import sr

    properties = sr.MeasurementProperties()
    for code, way in ((UPPER_UNCERTAINTY, interval_ml[1] - volume_ml), (LOWER_UNCERTAINTY, volume_ml - interval_ml[0])):
        kind = sr.RelationshipTypeValues.HAS_PROPERTIES
        properties.append(sr.NumContentItem(concept(code), round(way, 3), concept(ML), relationship_type=kind))
    return properties


def _evaluations(pairs: Many[tuple[Code, Code]]) -> list[Any]:
    from highdicom import sr

    return [sr.QualitativeEvaluation(concept(question), concept(answer)) for question, answer in pairs]
