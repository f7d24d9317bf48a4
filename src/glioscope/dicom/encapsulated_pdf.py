"""A PDF as a DICOM object (Encapsulated PDF, PS3.3, A.45.1) in the study of its source series."""

from __future__ import annotations

from typing import Any

from glioscope.dicom.product import DISCLAIMER, MANUFACTURER, MODEL, NO_SERIAL_NUMBER, Place, finished
from glioscope.dicom.quiet import quietly
from glioscope.dicom.source_series import SourceSeries

__all__ = ["encapsulate_pdf"]

STORAGE = "1.2.840.10008.5.1.4.1.1.104.1"


def encapsulate_pdf(pdf: bytes, series: SourceSeries, place: Place, title: str, version: str) -> Any:  # noqa: ANN401
    """The document as a `highdicom.SOPClass`, with the images it was made from as its source instances.

    Args:
        pdf: The whole file.
        series: The source.
        place: Series and instance.
        title: Series description and title of the document.
        version: Of Glioscope.

    Raises:
        ProcessingFailed: the headers of the source do not allow it.
    """
    from highdicom.base import SOPClass
    from pydicom.dataset import Dataset
    from pydicom.uid import ExplicitVRLittleEndian

    source = series.first
    with quietly("encapsulate the PDF"):
        dataset = SOPClass(
            study_instance_uid=source.StudyInstanceUID,
            series_instance_uid=place.series_uid,
            series_number=place.series_number,
            sop_instance_uid=place.instance_uid,
            sop_class_uid=STORAGE,
            instance_number=1,
            modality="DOC",
            manufacturer=MANUFACTURER,
            manufacturer_model_name=MODEL,
            software_versions=version,
            device_serial_number=NO_SERIAL_NUMBER,
            transfer_syntax_uid=ExplicitVRLittleEndian,
            series_description=title,
            **{
                argument: source.get(name)
                for argument, name in (
                    ("patient_id", "PatientID"),
                    ("patient_name", "PatientName"),
                    ("patient_birth_date", "PatientBirthDate"),
                    ("patient_sex", "PatientSex"),
                    ("accession_number", "AccessionNumber"),
                    ("study_id", "StudyID"),
                    ("study_date", "StudyDate"),
                    ("study_time", "StudyTime"),
                    ("referring_physician_name", "ReferringPhysicianName"),
                )
            },
        )
        dataset.copy_patient_and_study_information(source)
        dataset.ConversionType = "WSD"
        dataset.BurnedInAnnotation = "NO"  # the report names no patient
        dataset.AcquisitionDateTime = ""
        dataset.DocumentTitle = f"{title}. {DISCLAIMER}"
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "18748-4", "LN", "Diagnostic imaging study"
        dataset.ConceptNameCodeSequence = [code]
        dataset.VerificationFlag = "UNVERIFIED"
        dataset.SourceInstanceSequence = [_reference(image) for image in series.images]
        dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
        dataset.EncapsulatedDocumentLength = len(pdf)
        dataset.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
        return finished(dataset, series, place)


def _reference(image: Any) -> Any:  # noqa: ANN401
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    return item
