"""Small DICOM objects and studies for tests of the archive."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

MR = "1.2.840.10008.5.1.4.1.1.4"
SEG = "1.2.840.10008.5.1.4.1.1.66.4"
SR = "1.2.840.10008.5.1.4.1.1.88.33"
STUDY = "1.2.826.0.1.3680043.8.498.77.1"
SECRETS = ("Secret", "PAT-4711", "Hidden")


def instance(
    number: int,
    *,
    study: str = STUDY,
    sop_class: str = MR,
    uid: str | None = None,
    expected: int | None = None,
    size: int = 8,
    syntax: str = ExplicitVRLittleEndian,
) -> Dataset:
    """One MR image of size x size voxels; `number` makes its UID and its brightness."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid or f"{study}.9.{number}"
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, f"{study}.9"
    dataset.PatientName, dataset.PatientID, dataset.InstitutionName = "Secret^Person", "PAT-4711", "Hidden Hospital"
    dataset.StudyDate, dataset.AccessionNumber, dataset.StudyID = "20010203", "ACC-1", "1"
    dataset.PatientBirthDate, dataset.PatientSex, dataset.StudyTime, dataset.ReferringPhysicianName = "", "", "", ""
    dataset.Modality, dataset.SeriesNumber, dataset.InstanceNumber = "MR", 1, number
    if expected is not None:
        dataset.NumberOfStudyRelatedInstances = expected
    if sop_class == MR:
        dataset.Rows = dataset.Columns = size
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
        dataset.PixelData = np.full((size, size), number, np.uint16).tobytes()
    return dataset


def file_bytes(dataset: Dataset) -> bytes:
    """The object as a DICOM file."""
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def study_folder(folder: Path, count: int = 3, *, study: str = STUDY) -> Path:
    """A folder with `count` images of one study and a file that is no DICOM."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, count + 1):
        (folder / f"IM{number:03d}").write_bytes(file_bytes(instance(number, study=study)))
    (folder / "README.txt").write_text("not DICOM")
    return folder
