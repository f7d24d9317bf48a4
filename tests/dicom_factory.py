"""Small DICOM series made from an array and its affine, in the styles that scanners write."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian

MR = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"

STYLES: dict[str, dict[str, Any]] = {
    "t1n": {"SeriesDescription": "t1_se_tra", "RepetitionTime": 500, "EchoTime": 9, "ScanningSequence": "SE"},
    "t1c": {
        "SeriesDescription": "Ax T1 FSPGR",
        "ContrastBolusAgent": "Gadovist",
        "RepetitionTime": 9,
        "EchoTime": 3,
        "ScanningSequence": "GR",
    },
    "t2w": {"SeriesDescription": "T2W_TSE", "RepetitionTime": 4000, "EchoTime": 90, "ScanningSequence": "SE"},
    "t2f": {
        "SeriesDescription": "t2_tirm_tra_dark-fluid",
        "RepetitionTime": 9000,
        "EchoTime": 110,
        "InversionTime": 2500,
        "ScanningSequence": ["SE", "IR"],
    },
    "localiser": {"SeriesDescription": "localizer", "RepetitionTime": 9, "EchoTime": 4, "ScanningSequence": "GR"},
    "adc": {
        "SeriesDescription": "ep2d_diff_ADC",
        "ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"],
        "RepetitionTime": 5000,
        "EchoTime": 80,
        "ScanningSequence": "EP",
    },
}


def phantom(shape: tuple[int, int, int] = (20, 24, 12)) -> NDArray[np.int16]:
    """A lopsided ramp in which every voxel differs from its neighbours."""
    i, j, k = np.indices(shape)
    return np.asarray(10 + 3 * i + 7 * j + 31 * k + (i > shape[0] // 2) * 200, np.int16)


def oblique_affine(spacing: tuple[float, float, float] = (1.0, 1.2, 5.0), degrees: float = 12.0) -> NDArray[np.float64]:
    """Axial slices, columns to the left and rows to the back (LPS), tilted about x, in RAS."""
    angle = np.radians(degrees)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([-spacing[0], -spacing[1], spacing[2]])
    affine[:3, 3] = (11.0, 23.0, -37.0)
    return affine


def _uid(*parts: object) -> str:
    return "1.2.826.0.1.3680043.8.498." + ".".join(str(abs(hash_of(str(p)))) for p in parts)


def hash_of(text: str) -> int:
    """A small number made of `text`, the same in every process."""
    value = 7
    for character in text:
        value = (value * 31 + ord(character)) % 10_000_019
    return value


def _base(style: Mapping[str, Any], *, patient: str, study: str, series: int, number: int, sop: str) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = sop
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = sop
    dataset.StudyInstanceUID = _uid(patient, study)
    dataset.SeriesInstanceUID = _uid(patient, study, series)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = _uid(patient, study, series, number)
    dataset.PatientID, dataset.PatientName, dataset.PatientBirthDate = f"ID{patient}", f"Secret^{patient}", "19500101"
    dataset.StudyDate, dataset.InstitutionName, dataset.DeviceSerialNumber = "20010203", "Hidden Hospital", "31415"
    dataset.OperatorsName, dataset.AcquisitionTime = "Operator^Secret", "101112"
    dataset.Modality, dataset.Manufacturer, dataset.MagneticFieldStrength = "MR", "SIEMENS", 1.5
    dataset.SeriesNumber, dataset.InstanceNumber = series, number
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "NORM"]
    dataset.SliceThickness, dataset.FlipAngle, dataset.EchoTrainLength = 5.0, 90, 1
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1
    for name, value in style.items():
        setattr(dataset, name, value)
    return dataset


def _geometry(affine: NDArray[np.float64], k: int) -> tuple[list[float], list[float], list[float]]:
    """ImageOrientationPatient, ImagePositionPatient of slice k, PixelSpacing."""
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    spacing = np.sqrt((lps[:3, :3] ** 2).sum(axis=0))
    orientation = [*(lps[:3, 0] / spacing[0]), *(lps[:3, 1] / spacing[1])]
    position = lps[:3, 3] + k * lps[:3, 2]
    return (
        [round(float(v), 8) for v in orientation],
        [round(float(v), 6) for v in position],
        [float(spacing[1]), float(spacing[0])],
    )


def write_series(
    folder: Path,
    data: NDArray[np.int16],
    affine: NDArray[np.float64],
    style: Mapping[str, Any],
    *,
    series: int = 1,
    patient: str = "A",
    study: str = "1",
    without: tuple[int, ...] = (),
    shuffle: bool = False,
    prefix: str = "IM",
) -> list[Path]:
    """One file a slice; `data[i, j, k]` is column i, row j of slice k. Slices in `without` are left out."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = [k for k in range(data.shape[2]) if k not in without]
    names = list(np.random.default_rng(1).permutation(len(kept))) if shuffle else range(len(kept))
    files = []
    for name, k in zip(names, kept, strict=True):
        dataset = _base(style, patient=patient, study=study, series=series, number=k + 1, sop=MR)
        dataset.ImageOrientationPatient, dataset.ImagePositionPatient, dataset.PixelSpacing = _geometry(affine, k)
        dataset.Rows, dataset.Columns = data.shape[1], data.shape[0]
        dataset.PixelData = np.ascontiguousarray(data[:, :, k].T, "<i2").tobytes()
        path = folder / f"{prefix}{series:03d}_{name:04d}"
        dataset.save_as(path, enforce_file_format=True)
        files.append(path)
    return files


def write_enhanced(
    folder: Path, data: NDArray[np.int16], affine: NDArray[np.float64], style: Mapping[str, Any], *, series: int = 1
) -> Path:
    """The whole volume as one enhanced multi-frame object, timing in the functional groups."""
    folder.mkdir(parents=True, exist_ok=True)
    top = {k: v for k, v in style.items() if k not in ("RepetitionTime", "EchoTime", "InversionTime", "ScanningSequence")}
    dataset = _base(top, patient="A", study="1", series=series, number=1, sop=ENHANCED_MR)
    orientation, _, spacing = _geometry(affine, 0)
    plane, measures, timing, echo = Dataset(), Dataset(), Dataset(), Dataset()
    plane.ImageOrientationPatient = orientation
    measures.PixelSpacing, measures.SliceThickness = spacing, 5.0
    timing.RepetitionTime, timing.FlipAngle = style["RepetitionTime"], 90
    echo.EffectiveEchoTime = style["EchoTime"]
    shared = Dataset()
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = Items([plane]), Items([measures])
    shared.MRTimingAndRelatedParametersSequence, shared.MREchoSequence = Items([timing]), Items([echo])
    dataset.SharedFunctionalGroupsSequence = Items([shared])
    frames = []
    for k in range(data.shape[2]):
        place, content, item = Dataset(), Dataset(), Dataset()
        place.ImagePositionPatient = _geometry(affine, k)[1]
        content.StackID, content.InStackPositionNumber, content.DimensionIndexValues = "1", k + 1, [1, k + 1]
        item.PlanePositionSequence, item.FrameContentSequence = Items([place]), Items([content])
        frames.append(item)
    dataset.PerFrameFunctionalGroupsSequence = Items(frames)
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = data.shape[2], data.shape[1], data.shape[0]
    dataset.PixelData = np.ascontiguousarray(np.moveaxis(data, 2, 0).transpose(0, 2, 1), "<i2").tobytes()
    path = folder / f"enhanced{series:03d}.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path


def write_exam(
    folder: Path, *, patient: str = "A", study: str = "1", sequences: tuple[str, ...] = ("t1n", "t1c", "t2w", "t2f")
) -> None:
    """A whole small exam: a folder a series, with a localiser, an ADC map and files that are no DICOM."""
    for number, name in enumerate((*sequences, "adc"), 1):
        write_series(
            folder / f"S{number:02d}", phantom(), oblique_affine(), STYLES[name], series=number, patient=patient, study=study
        )
    write_series(
        folder / "S90", phantom((20, 24, 3)), oblique_affine(), STYLES["localiser"], series=90, patient=patient, study=study
    )
    (folder / "README.txt").write_text("not DICOM")
    (folder / "DICOMDIR.bak").write_bytes(b"\0" * 200)
