"""Results as DICOM objects of the patient's study: segmentation, measurement report, encapsulated PDF. All by highdicom."""

from glioscope.dicom.codes import Code, Segment, private, segments_of
from glioscope.dicom.encapsulated_pdf import encapsulate_pdf
from glioscope.dicom.findings import Finding, rano_findings, surgery_findings
from glioscope.dicom.identifiers import uid_of
from glioscope.dicom.label_frames import label_frames
from glioscope.dicom.measurement_report import SegmentMeasurements, make_measurement_report
from glioscope.dicom.product import Algorithm, Place, place_of
from glioscope.dicom.quantities import INTERVAL_LEVEL, QUANTITIES, focality
from glioscope.dicom.segmentation import make_segmentation
from glioscope.dicom.source_series import SourceSeries, read_source_series
from glioscope.dicom.writing import dicom_bytes

__all__ = [
    "INTERVAL_LEVEL",
    "QUANTITIES",
    "Algorithm",
    "Code",
    "Finding",
    "Place",
    "Segment",
    "SegmentMeasurements",
    "SourceSeries",
    "dicom_bytes",
    "encapsulate_pdf",
    "focality",
    "label_frames",
    "make_measurement_report",
    "make_segmentation",
    "place_of",
    "private",
    "rano_findings",
    "read_source_series",
    "segments_of",
    "surgery_findings",
    "uid_of",
]
