"""One DICOM file without its pixels: what is needed to group, place and judge it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glioscope.core import InputUnreadable

__all__ = ["AttributeCache", "Instance", "looks_like_dicom", "read_instance"]

AttributeCache = dict[tuple[str, str, str], dict[str, Any]]

_PLAIN = [
    "SeriesDescription",
    "ProtocolName",
    "ContrastBolusAgent",
    "RepetitionTime",
    "EchoTime",
    "InversionTime",
    "FlipAngle",
    "ScanningSequence",
    "SequenceVariant",
    "ScanOptions",
    "ImageType",
    "AcquisitionContrast",
    "Modality",
    "DiffusionBValue",
    "MRAcquisitionType",
    "MagneticFieldStrength",
    "Manufacturer",
    "ManufacturerModelName",
    "SliceThickness",
    "SpacingBetweenSlices",
    "EchoTrainLength",
    "SeriesNumber",
]
_TAGS = [
    *_PLAIN,
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "PatientID",
    "PatientName",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "PixelSpacing",
    "Rows",
    "Columns",
    "BitsAllocated",
    "PixelRepresentation",
    "SamplesPerPixel",
    "NumberOfFrames",
    "ContrastBolusAgentSequence",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
]
_DIRECTORY = "1.2.840.10008.1.3.10"
_UNCOMPRESSED = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"}


@dataclass(frozen=True)
class Instance:
    """One file. `patient` and `study` are digests that only serve to tell two of them apart and are never shown.

    Attributes:
        frames: For each slice in the file: orientation (6 cosines), position (3, mm, LPS), echo time (ms).
        shape: Rows, columns.
        spacing: Between rows, between columns, mm.
    """

    file: Path
    patient: str
    study: str
    series: str
    uid: str
    attributes: dict[str, Any]
    frames: tuple[tuple[tuple[float, ...], tuple[float, ...], float], ...]
    shape: tuple[int, int]
    spacing: tuple[float, float]
    dtype: str


def looks_like_dicom(head: bytes) -> bool:
    """Whether the first 136 bytes of a file are those of a DICOM file, with its preamble or (old exports) without."""
    if head[128:132] == b"DICM":
        return True
    return (
        len(head) > 8 and head[0:2] in (b"\x08\x00", b"\x02\x00") and head[3] == 0 and head[4:6] in (b"UI", b"UL", b"CS", b"OB")
    )


def _plain(value: object) -> Any:  # noqa: ANN401
    """A DICOM value as JSON-ready Python."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return float(value)
    if isinstance(value, bytes):
        return None
    try:
        return [_plain(v) for v in value]  # type: ignore[attr-defined]
    except TypeError:
        return str(value)


def _floats(value: Any, count: int) -> tuple[float, ...] | None:  # noqa: ANN401
    numbers = tuple(float(v) for v in value) if value is not None else ()
    return numbers if len(numbers) == count else None


def _first(item: Any, sequence: str) -> Any:  # noqa: ANN401
    """The first item of a nested sequence, or None."""
    nested = item.get(sequence) if item is not None else None
    return nested[0] if nested else None


def _enhanced(dataset: Any, attributes: dict[str, Any]) -> tuple[list[tuple[Any, Any, float]], Any]:  # noqa: ANN401
    """Frames and pixel spacing of an enhanced multi-frame object; its timing is added to `attributes`."""
    shared = _first(dataset, "SharedFunctionalGroupsSequence")
    frames, spacing = [], None
    for item in dataset.get("PerFrameFunctionalGroupsSequence") or []:

        def group(name: str, item: Any = item) -> Any:  # noqa: ANN401
            return _first(item, name) or _first(shared, name)

        plane, place = group("PlaneOrientationSequence"), group("PlanePositionSequence")
        measures, echo = group("PixelMeasuresSequence"), group("MREchoSequence")
        te = float(echo.get("EffectiveEchoTime") or 0) if echo is not None else 0.0
        frames.append(
            (
                plane.get("ImageOrientationPatient") if plane is not None else None,
                place.get("ImagePositionPatient") if place is not None else None,
                te,
            )
        )
        if spacing is None:
            timing, modifier = group("MRTimingAndRelatedParametersSequence"), group("MRModifierSequence")
            diffusion = group("MRDiffusionSequence")
            spacing = measures.get("PixelSpacing") if measures is not None else None
            found = {
                "EchoTime": te or None,
                "RepetitionTime": timing.get("RepetitionTime") if timing is not None else None,
                "FlipAngle": timing.get("FlipAngle") if timing is not None else None,
                "InversionTime": modifier.get("InversionTimes") if modifier is not None else None,
                "SliceThickness": measures.get("SliceThickness") if measures is not None else None,
                "DiffusionBValue": diffusion.get("DiffusionBValue") if diffusion is not None else None,
            }
            attributes.update({k: _plain(v) for k, v in found.items() if v is not None and k not in attributes})
            if isinstance(attributes.get("InversionTime"), list):
                attributes["InversionTime"] = next(iter(attributes["InversionTime"]), None)
    return frames, spacing


def _digest(*values: object) -> str:
    return hashlib.sha256("\n".join(str(v) for v in values).encode("utf-8", "replace")).hexdigest()


def _attributes(dataset: Any, known: AttributeCache) -> dict[str, Any]:  # noqa: ANN401
    """The plain attributes, converted once for each kind of image in a series: conversion is most of the time."""
    key = (str(dataset.get("SeriesInstanceUID")), str(dataset.get("ImageType")), str(dataset.get("EchoTime")))
    if key not in known:
        values = ((name, dataset.get(name)) for name in _PLAIN)
        known[key] = {name: _plain(value) for name, value in values if value not in (None, "")}
    return dict(known[key])


def _instance(path: Path, dataset: Any, pixels_at: int, known: AttributeCache) -> Instance | None:  # noqa: ANN401
    if str(dataset.get("SOPClassUID", "")) == _DIRECTORY:
        return None
    attributes = _attributes(dataset, known)
    agents = dataset.get("ContrastBolusAgentSequence")
    if agents and "ContrastBolusAgent" not in attributes:
        attributes["ContrastBolusAgent"] = str(agents[0].get("CodeMeaning") or "given")
    if dataset.get("PerFrameFunctionalGroupsSequence"):
        raw, pixel_spacing = _enhanced(dataset, attributes)
    else:
        te = float(dataset.get("EchoTime") or 0)
        raw = [(dataset.get("ImageOrientationPatient"), dataset.get("ImagePositionPatient"), te)]
        pixel_spacing = dataset.get("PixelSpacing")
    frames = tuple((o, p, te) for o, p, te in ((_floats(o, 6), _floats(p, 3), te) for o, p, te in raw) if o and p)
    rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    bits = int(dataset.get("BitsAllocated") or 16)
    syntax = str(getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", ""))
    count = max(1, int(dataset.get("NumberOfFrames") or 1)) * int(dataset.get("SamplesPerPixel") or 1)
    if attributes.get("Modality", "MR") == "MR" and syntax in _UNCOMPRESSED:
        expected = rows * columns * bits // 8 * count
        if not rows or not columns or path.stat().st_size - pixels_at < expected:
            raise EOFError("it ends before its pixels do")
    spacing = _floats(pixel_spacing, 2) or (0.0, 0.0)
    return Instance(
        path,
        _digest(dataset.get("PatientID"), dataset.get("PatientName")),
        _digest(dataset.get("StudyInstanceUID")),
        str(dataset.get("SeriesInstanceUID")),
        str(dataset.get("SOPInstanceUID")),
        attributes,
        frames,
        (rows, columns),
        (spacing[0], spacing[1]),
        f"{'int' if dataset.get('PixelRepresentation') else 'uint'}{bits}",
    )


def read_instance(path: Path, known: AttributeCache | None = None) -> Instance | None:
    """Read a DICOM file's attributes; None where it is no DICOM image (a DICOMDIR, another kind of file).

    Args:
        path: The file.
        known: Attributes of the series read so far; given the same one for many files, each series is converted once.

    Raises:
        InputUnreadable: it begins like DICOM but is damaged or truncated.
    """
    import pydicom

    try:
        with path.open("rb") as stream:
            head = stream.read(136)
    except OSError as error:
        raise InputUnreadable(f"'{path.name}' cannot be read ({error.strerror}); check its permissions.") from error
    if not looks_like_dicom(head):
        return None
    try:
        with path.open("rb") as stream:
            dataset = pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=_TAGS, force=head[128:132] != b"DICM")
            return _instance(path, dataset, stream.tell(), {} if known is None else known)
    except Exception as error:  # a damaged stream makes pydicom raise anything
        detail = " ".join(str(error).split())[:80] or type(error).__name__
        if not isinstance(error, EOFError):
            detail = type(error).__name__  # pydicom quotes values, which may be a patient's
        raise InputUnreadable(f"'{path.name}' is a damaged or truncated DICOM file ({detail}); export it again.") from error
