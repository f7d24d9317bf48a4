"""What a DICOM object is, by its header alone. Nothing in a header is trusted, and no value of it is shown."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO

__all__ = ["MR_IMAGES", "DicomFile", "Identity", "hashed", "identify", "is_whole", "read_dicom_file"]

MR_IMAGES = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.4",  # MR Image
        "1.2.840.10008.5.1.4.1.1.4.1",  # Enhanced MR Image
        "1.2.840.10008.5.1.4.1.1.4.3",  # Enhanced MR Color Image
        "1.2.840.10008.5.1.4.1.1.4.4",  # Legacy Converted Enhanced MR Image
    }
)
_DIRECTORY = "1.2.840.10008.1.3.10"
_TAGS = ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"]
_DEFLATED = "1.2.840.10008.1.2.1.99"
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_COUNTS = ["NumberOfStudyRelatedInstances"]
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")


@dataclass(frozen=True)
class Identity:
    """UIDs of an object, all well formed, and how many objects its study has where the sender says so.

    Attributes:
        sop_class, instance, study, series: UIDs.
        syntax: UID of the transfer syntax.
        expected: NumberOfStudyRelatedInstances (0020,1208), None where it is not given.
    """

    sop_class: str
    instance: str
    study: str
    series: str
    syntax: str
    expected: int | None = None

    @property
    def is_image(self) -> bool:
        """Whether it is an MR image, which can be part of an exam."""
        return self.sop_class in MR_IMAGES


@dataclass(frozen=True)
class DicomFile:
    """A file and what is in it."""

    path: Path
    identity: Identity


def hashed(uid: str) -> str:
    """A name for what `uid` names that neither identifies nor leads anywhere: 128 bits of its SHA-256, in hexadecimal."""
    return hashlib.sha256(uid.encode()).hexdigest()[:32]


def identify(content: bytes | IO[bytes]) -> Identity | None:
    """The identity of a DICOM file (PS3.10), None where it is none, damaged, a DICOMDIR, or a UID in it is malformed."""
    import pydicom

    stream = io.BytesIO(content) if isinstance(content, bytes) else content
    try:
        dataset = pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=[*_TAGS, *_COUNTS])
        uids = [str(dataset.get(tag) or "") for tag in _TAGS]
        uids.append(str(dataset.file_meta.get("TransferSyntaxUID") or ""))
        expected = str(dataset.get(_COUNTS[0]) or "").strip()
    except Exception:  # a damaged stream makes pydicom raise anything
        return None
    if uids[0] == _DIRECTORY or not all(len(uid) <= 64 and _UID.fullmatch(uid) for uid in uids):
        return None
    sop_class, instance, study, series, syntax = uids
    return Identity(sop_class, instance, study, series, syntax, int(expected) if expected.isdigit() else None)


def read_dicom_file(path: Path) -> DicomFile | None:
    """The DICOM object in `path`, None where there is none."""
    try:
        with path.open("rb") as stream:
            head = stream.read(132)
            if head[128:] != b"DICM":
                return None
            stream.seek(0)
            identity = identify(stream)
    except OSError:
        return None
    return DicomFile(path, identity) if identity else None


def is_whole(file: DicomFile) -> bool:
    """Whether the data set does not end before its last value does, as after a copy that broke off; no value is kept in memory.

    What has rows and no pixels is not whole; of a deflated data set it cannot be told without unpacking it.
    """
    from pydicom.filereader import read_partial

    if file.identity.syntax == _DEFLATED:
        return True
    try:
        with file.path.open("rb") as stream:
            dataset = read_partial(stream, defer_size=1)
            if stream.tell() > file.path.stat().st_size:
                return False
    except Exception:  # a damaged stream makes pydicom raise anything
        return False
    return "Rows" not in dataset or any(name in dataset for name in _PIXELS)
