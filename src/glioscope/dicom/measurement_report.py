"""Volumes and diameters as a DICOM structured report: Measurement Report, PS3.16, TID 1500, with one TID 1411 a segment."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass
from typing import Any

from glioscope.dicom.codes import BRAIN, Code, Segment
from glioscope.dicom.identifiers import uid_of
from glioscope.dicom.product import MANUFACTURER, MODEL, NO_SERIAL_NUMBER, Algorithm, Place, finished
from glioscope.dicom.quiet import quietly
from glioscope.dicom.segmentation import concept, tracking_of
from glioscope.dicom.source_series import SourceSeries

__all__ = ["QUANTITIES", "Quantity", "SegmentMeasurements", "make_measurement_report"]


@dataclass(frozen=True)
class Quantity:
    """What is measured, in which unit (UCUM), and how it was obtained."""

    name: Code
    unit: Code
    method: Code | None = None


_MM, _ML = Code("mm", "UCUM", "millimeter"), Code("ml", "UCUM", "milliliter")
QUANTITIES: Mapping[str, Quantity] = {
    "volume_ml": Quantity(
        Code("118565006", "SCT", "Volume"), _ML, Code("126030", "DCM", "Sum of segmented voxel method for volume")
    ),
    "axial_diameter_mm": Quantity(Code("103339001", "SCT", "Long axis"), _MM),
    "axial_perpendicular_diameter_mm": Quantity(Code("103340004", "SCT", "Short axis"), _MM),
    "feret_diameter_mm": Quantity(Code("L0JK", "IBSI", "Maximum 3D Diameter of a Mesh"), _MM),
    "lesion_count": Quantity(Code("246206008", "SCT", "Number of lesions"), Code("{lesions}", "UCUM", "lesions")),
}
"""Name in `measurements.json` -> what it is called in the report."""

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
    """

    segment: Segment
    number: int
    segmentation: Any
    place: Place
    values: Mapping[str, float]
    side: str | None = None


def make_measurement_report(
    measured: Many[SegmentMeasurements], series: SourceSeries, algorithm: Algorithm, place: Place, title: str
) -> Any:  # noqa: ANN401
    """The report as a `highdicom.sr.ComprehensiveSR`: complete, not verified by any person, preliminary.

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
            imaging_measurements=[_group(one, series, algorithm) for one in measured],
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
        algorithm_id=sr.AlgorithmIdentification(algorithm.name, algorithm.version, algorithm.listed() or None),
        finding_sites=[sr.FindingSite(concept(BRAIN), concept(side) if side else None)],
        measurements=[
            sr.Measurement(
                concept(quantity.name),
                float(one.values[key]),
                concept(quantity.unit),
                method=concept(quantity.method) if quantity.method else None,
            )
            for key, quantity in QUANTITIES.items()
            if key in one.values
        ],
    )
