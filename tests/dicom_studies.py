"""Whole synthetic DICOM studies made from volumes, in the styles of three vendors. Every identifier in them is made up.

What scanners do differently and readers trip over: which words they write, in which order they number the slices (upwards,
downwards, interleaved), slices that are missing or displaced, and one enhanced multi-frame object in place of many files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian

from tests.dicom_factory import ENHANCED_MR, MR, hash_of

UID_ROOT = "1.2.826.0.1.3680043.8.498.77777"
"""Below the root that pydicom lends for made-up identifiers."""

Volumes = Mapping[str, tuple[NDArray[np.int16], NDArray[np.float64]]]

PATIENT: dict[str, Any] = {
    "PatientID": "FAKE-0001",
    "PatientName": "Phantom^Synthia",
    "PatientBirthDate": "19010203",
    "PatientSex": "O",
    "PatientAge": "099Y",
    "PatientComments": "made up for tests",
    "AccessionNumber": "FAKEACC7",
    "StudyID": "FAKESTUDY",
    "StudyDate": "19990102",
    "StudyTime": "030405",
    "StudyDescription": "MRT Schaedel (made up)",
    "ReferringPhysicianName": "Nobody^Nora",
    "InstitutionName": "Hospital of Nowhere",
    "SeriesDate": "19990102",
    "SeriesTime": "031500",
}

_COMMON: dict[str, dict[str, Any]] = {
    "t1n": {"RepetitionTime": 500, "EchoTime": 9, "ScanningSequence": "SE", "FlipAngle": 90},
    "t1c": {"RepetitionTime": 520, "EchoTime": 9, "ScanningSequence": "SE", "FlipAngle": 90, "ContrastBolusAgent": "Gadovist"},
    "t2w": {"RepetitionTime": 4000, "EchoTime": 90, "ScanningSequence": "SE", "FlipAngle": 150},
    "t2f": {"RepetitionTime": 9000, "EchoTime": 110, "InversionTime": 2500, "ScanningSequence": ["SE", "IR"], "FlipAngle": 150},
}


@dataclass(frozen=True)
class Vendor:
    """How one vendor's scanner writes.

    Attributes:
        words: Sequence -> series description.
        attributes: Of every image.
        step: Series numbers are 1 step, 2 steps …
        order: From the number of slices to the order in which they are numbered.
    """

    words: Mapping[str, str]
    attributes: Mapping[str, Any]
    order: Callable[[int], list[int]]
    step: int = 1
    private: Mapping[tuple[int, str, int], tuple[str, Any]] = field(default_factory=dict)


def upwards(count: int) -> list[int]:
    return list(range(count))


def downwards(count: int) -> list[int]:
    return list(range(count))[::-1]


def interleaved(count: int) -> list[int]:
    return [*range(1, count, 2), *range(0, count, 2)]


VENDORS: dict[str, Vendor] = {
    "siemens": Vendor(
        {"t1n": "t1_se_tra", "t1c": "t1_se_tra_KM", "t2w": "t2_tse_tra", "t2f": "t2_tirm_tra_dark-fluid"},
        {
            "Manufacturer": "SIEMENS",
            "ManufacturerModelName": "Avanto",
            "ImageType": ["ORIGINAL", "PRIMARY", "M", "NORM", "DIS2D"],
            "SpecificCharacterSet": "ISO_IR 100",
        },
        interleaved,
    ),
    "ge": Vendor(
        {"t1n": "Ax T1", "t1c": "Ax T1 +C", "t2w": "Ax T2 FSE", "t2f": "Ax T2 FLAIR"},
        {
            "Manufacturer": "GE MEDICAL SYSTEMS",
            "ManufacturerModelName": "Signa HDxt",
            "ImageType": ["ORIGINAL", "PRIMARY", "OTHER"],
        },
        upwards,
        private={(0x0043, "GEMS_PARM_01", 0x10): ("US", 1)},
    ),
    "philips": Vendor(
        {"t1n": "T1W_SE", "t1c": "T1W_SE_Gd", "t2w": "T2W_TSE", "t2f": "FLAIR_longTR"},
        {
            "Manufacturer": "Philips Medical Systems",
            "ManufacturerModelName": "Achieva",
            "ImageType": ["ORIGINAL", "PRIMARY", "M_SE", "M", "SE"],
            "RescaleSlope": 2.5,
            "RescaleIntercept": 0,
            "RescaleType": "normalized",
        },
        downwards,
        step=100,
        private={(0x2005, "Philips MR Imaging DD 001", 0x0E): ("FL", 0.01)},
    ),
}


def uid_of(*parts: object) -> str:
    """A made-up UID that is the same in every process."""
    return f"{UID_ROOT}." + ".".join(str(hash_of(str(part))) for part in parts)


def geometry(affine: NDArray[np.float64], k: float) -> tuple[list[float], list[float], list[float], float]:
    """ImageOrientationPatient, ImagePositionPatient of slice `k`, PixelSpacing, distance of slices."""
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    row, column = lps[:3, 0] / spacing[0], lps[:3, 1] / spacing[1]
    position = lps[:3, 3] + k * lps[:3, 2]
    apart = float(abs(np.cross(row, column) @ lps[:3, 2]))
    return (
        [round(float(v), 9) for v in (*row, *column)],
        [round(float(v), 6) for v in position],
        [round(float(spacing[1]), 6), round(float(spacing[0]), 6)],
        round(apart, 6),
    )


def _image(sequence: str, vendor: str, number: int, *, sop: str, study: str, overrides: Mapping[str, Any]) -> Dataset:
    style = VENDORS[vendor]
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = sop
    values = {**PATIENT, "Modality": "MR", "SeriesDescription": style.words[sequence], "MagneticFieldStrength": 1.5}
    values |= {"SequenceVariant": "SK", "ScanOptions": "", "MRAcquisitionType": "2D", "EchoTrainLength": 1}
    values |= {"PatientPosition": "HFS", "PositionReferenceIndicator": "", "Laterality": "", "NumberOfAverages": 1}
    values |= {"DeviceSerialNumber": "FAKE00", "SoftwareVersions": "made up", "PatientWeight": 70}
    values |= {**style.attributes, **_COMMON[sequence]}
    values |= {"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 16, "BitsStored": 16}
    values |= {"HighBit": 15, "PixelRepresentation": 1, "AcquisitionDate": "19990102", "AcquisitionTime": "031501"}
    values |= {"StudyInstanceUID": uid_of(study), "SeriesInstanceUID": uid_of(study, vendor, sequence)}
    values |= {"FrameOfReferenceUID": uid_of(study, "frame"), "SeriesNumber": number, **overrides}
    for name, value in values.items():
        if value is not None:
            setattr(dataset, name, value)
    for (group, creator, element), (vr, value) in style.private.items():
        dataset.private_block(group, creator, create=True).add_new(element, vr, value)
    return dataset


def _save(dataset: Dataset, path: Path) -> Path:
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def write_series(
    folder: Path,
    data: NDArray[np.int16],
    affine: NDArray[np.float64],
    sequence: str,
    *,
    vendor: str = "siemens",
    number: int = 1,
    study: str = "1",
    order: Callable[[int], list[int]] | None = None,
    without: tuple[int, ...] = (),
    shifts: Mapping[int, float] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> list[Path]:
    """One file a slice; `data[i, j, k]` is column i, row j of slice k.

    Args:
        order: Slices in the order of their instance numbers; the vendor's where None.
        without: Slices left out.
        shifts: Slice -> how far it is displaced along the stack, in slice distances.
        overrides: Attribute -> value; None leaves the attribute out.
    """
    numbering = (order or VENDORS[vendor].order)(data.shape[2])
    files = []
    for k in (k for k in range(data.shape[2]) if k not in without):
        dataset = _image(sequence, vendor, number, sop=MR, study=study, overrides=overrides or {})
        dataset.SOPInstanceUID = uid_of(study, vendor, sequence, k)
        dataset.InstanceNumber = numbering.index(k) + 1
        place = geometry(affine, k + (shifts or {}).get(k, 0.0))
        dataset.ImageOrientationPatient, dataset.ImagePositionPatient, dataset.PixelSpacing = place[:3]
        dataset.SliceThickness, dataset.SpacingBetweenSlices = place[3], place[3]
        dataset.Rows, dataset.Columns = data.shape[1], data.shape[0]
        dataset.PixelData = np.ascontiguousarray(data[:, :, k].T, "<i2").tobytes()
        files.append(_save(dataset, folder / f"IM{dataset.InstanceNumber:04d}"))
    return files


def write_enhanced(
    folder: Path,
    data: NDArray[np.int16],
    affine: NDArray[np.float64],
    sequence: str,
    *,
    vendor: str = "philips",
    number: int = 1,
    study: str = "1",
    order: Callable[[int], list[int]] | None = None,
) -> Path:
    """The whole volume as one enhanced multi-frame object, its frames in the vendor's order."""
    dataset = _image(sequence, vendor, number, sop=ENHANCED_MR, study=study, overrides={})
    for moved in ("RepetitionTime", "EchoTime", "InversionTime", "ScanningSequence", "RescaleSlope", "RescaleIntercept",
                  "RescaleType"):  # fmt: skip
        if moved in dataset:
            delattr(dataset, moved)
    times = _COMMON[sequence]
    orientation, _, spacing, apart = geometry(affine, 0)
    plane, measures, timing, echo, modifier = (Dataset() for _ in range(5))
    plane.ImageOrientationPatient = orientation
    measures.PixelSpacing, measures.SliceThickness, measures.SpacingBetweenSlices = spacing, apart, apart
    timing.RepetitionTime, timing.FlipAngle, timing.EchoTrainLength = times["RepetitionTime"], times["FlipAngle"], 1
    echo.EffectiveEchoTime = times["EchoTime"]
    modifier.InversionRecovery = "YES" if "InversionTime" in times else "NO"
    if "InversionTime" in times:
        modifier.InversionTimes = times["InversionTime"]
    shared = Dataset()
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = Items([plane]), Items([measures])
    shared.MRTimingAndRelatedParametersSequence, shared.MREchoSequence = Items([timing]), Items([echo])
    shared.MRModifierSequence = Items([modifier])
    dataset.SharedFunctionalGroupsSequence = Items([shared])
    frames = []
    numbering = (order or VENDORS[vendor].order)(data.shape[2])
    for k in numbering:
        place, content, item = Dataset(), Dataset(), Dataset()
        place.ImagePositionPatient = geometry(affine, k)[1]
        content.StackID, content.InStackPositionNumber, content.DimensionIndexValues = "1", k + 1, [1, k + 1]
        item.PlanePositionSequence, item.FrameContentSequence = Items([place]), Items([content])
        frames.append(item)
    dataset.PerFrameFunctionalGroupsSequence = Items(frames)
    organisation, stack, position = Dataset(), Dataset(), Dataset()
    organisation.DimensionOrganizationUID = uid_of(study, vendor, sequence, "dimensions")
    stack.DimensionIndexPointer, stack.FunctionalGroupPointer = 0x00209056, 0x00209111
    position.DimensionIndexPointer, position.FunctionalGroupPointer = 0x00209057, 0x00209111
    for index in (stack, position):
        index.DimensionOrganizationUID = organisation.DimensionOrganizationUID
    dataset.DimensionOrganizationSequence, dataset.DimensionIndexSequence = Items([organisation]), Items([stack, position])
    dataset.SOPInstanceUID = uid_of(study, vendor, sequence, "enhanced")
    dataset.InstanceNumber = 1
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = data.shape[2], data.shape[1], data.shape[0]
    dataset.PixelData = np.ascontiguousarray(data[:, :, numbering].transpose(2, 1, 0), "<i2").tobytes()
    return _save(dataset, folder / "IM0001")


def write_study(folder: Path, volumes: Volumes, *, vendor: str = "siemens", enhanced: bool = False, **series: Any) -> Path:
    """A study of several series, a folder each; further arguments go to every series."""
    write = write_enhanced if enhanced else write_series
    for place, (sequence, (data, affine)) in enumerate(volumes.items(), 1):
        number = place * VENDORS[vendor].step + (1 if vendor == "philips" else 0)
        write(folder / f"S{number:04d}", data, affine, sequence, vendor=vendor, number=number, **series)
    return folder


def from_nifti(path: Path) -> tuple[NDArray[np.int16], NDArray[np.float64]]:
    """The stored voxels of a NIfTI image as `write_series` wants them: columns to the left, rows to the back (RAS -> LPS)."""
    import nibabel as nib

    image = nib.load(path)
    data, affine = np.asanyarray(image.dataobj), image.affine
    flips = [bool(affine[axis, axis] > 0) for axis in (0, 1)]
    for axis, flip in enumerate(flips):
        if flip:
            data = np.flip(data, axis)
            affine = affine.copy()
            affine[:3, 3] += (data.shape[axis] - 1) * affine[:3, axis]
            affine[:3, axis] *= -1
    return np.asarray(np.rint(data), np.int16), affine
