"""One DICOM file: read, cleaned, and written anew from the first byte to the last."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from glioscope.core.vocabulary import package_words
from glioscope.deidentification.burned_in import BURNED_IN, blank, find_text, said_to_hold_text
from glioscope.deidentification.clean_dataset import DatasetCleaner
from glioscope.deidentification.options import DeidentificationOptions
from glioscope.deidentification.profile import PROFILE_EDITION
from glioscope.deidentification.stored_pixels import StoredPixels, stored_pixels
from glioscope.deidentification.uids import new_uid
from glioscope.deidentification.withheld import Withheld

__all__ = ["clean_instance", "method_codes", "quiet_pydicom", "read_dataset"]

_IMAGES = {
    "1.2.840.10008.5.1.4.1.1.4": "MR image",
    "1.2.840.10008.5.1.4.1.1.4.1": "enhanced MR image",
    "1.2.840.10008.5.1.4.1.1.4.4": "legacy converted enhanced MR image",
    "1.2.840.10008.5.1.4.1.1.2": "CT image",
    "1.2.840.10008.5.1.4.1.1.2.1": "enhanced CT image",
    "1.2.840.10008.5.1.4.1.1.128": "PET image",
    "1.2.840.10008.5.1.4.1.1.7": "secondary capture",
    "1.2.840.10008.5.1.4.1.1.7.1": "secondary capture",
    "1.2.840.10008.5.1.4.1.1.7.2": "secondary capture",
    "1.2.840.10008.5.1.4.1.1.7.3": "secondary capture",
    "1.2.840.10008.5.1.4.1.1.7.4": "secondary capture",
}
_OTHERS = {
    "1.2.840.10008.5.1.4.1.1.66.1": "spatial registration",
    "1.2.840.10008.5.1.4.1.1.66.4": "segmentation",
    "1.2.840.10008.5.1.4.1.1.88.11": "basic text report",
    "1.2.840.10008.5.1.4.1.1.88.22": "enhanced report",
    "1.2.840.10008.5.1.4.1.1.88.33": "comprehensive report",
    "1.2.840.10008.5.1.4.1.1.88.34": "comprehensive 3D report",
}
_WHY_NOT = {
    "1.2.840.10008.5.1.4.1.1.104.": "an encapsulated document, which cannot be cleaned",
    "1.2.840.10008.5.1.4.1.1.11.": "a presentation state, whose drawn text cannot be cleaned",
    "1.2.840.10008.1.3.10": "a DICOMDIR",
}
_REPORTS = "1.2.840.10008.5.1.4.1.1.88."
_CODES = {
    "113100": "Basic Application Confidentiality Profile",
    "113101": "Clean Pixel Data Option",
    "113104": "Clean Structured Content Option",
    "113105": "Clean Descriptors Option",
    "113107": "Retain Longitudinal Temporal Information Modified Dates Option",
    "113108": "Retain Patient Characteristics Option",
    "113111": "Retain Safe Private Option",
}
_OURS = "GLIOSCOPE"
_WRITTEN = frozenset(["removed", "modified", "glioscope", "yes", "no"]) | frozenset(
    word for text in (*_CODES.values(), PROFILE_EDITION) for word in text.lower().split()
)


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Keep pydicom from telling what it thinks of values, which may be a patient's."""
    logger = logging.getLogger("pydicom")
    disabled, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = disabled


def read_dataset(path: Path, *, pixels: bool = True) -> Any:  # noqa: ANN401
    """The data set of a file; raises Withheld where it is damaged."""
    import pydicom

    try:
        dataset = pydicom.dcmread(path, force=True, stop_before_pixels=not pixels)
        if "TransferSyntaxUID" not in dataset.file_meta:  # an old file without its head
            syntax = pydicom.uid.ExplicitVRLittleEndian if not dataset.is_implicit_VR else pydicom.uid.ImplicitVRLittleEndian
            dataset.file_meta.TransferSyntaxUID = syntax
        if not dataset.get("SOPClassUID") or not dataset.get("SOPInstanceUID"):
            raise Withheld("damaged (no class or no UID)")
    except Withheld:
        raise
    except Exception as error:  # a damaged stream makes pydicom raise anything
        raise Withheld("damaged") from error
    return dataset


def clean_instance(dataset: Any, cleaner: DatasetCleaner, pseudonym: str) -> bytes:  # noqa: ANN401
    """All bytes of the clean form of a data set: explicit little endian, its pixels decompressed.

    Nothing is copied: preamble, file meta information, group lengths, padding and what follows the data set are left behind.

    Raises:
        Withheld: it is of a kind that cannot be made safe, or a name of the patient would still be in it.
    """
    kind = _kind(dataset)
    pixels = stored_pixels(dataset) if kind in _IMAGES.values() or kind == "segmentation" else None
    if pixels is None and kind in _IMAGES.values():
        raise Withheld("damaged (no pixels)")
    text = "free"
    if pixels is not None and kind in _IMAGES.values():
        pixels, text = _without_text(dataset, pixels, cleaner)
    clean = cleaner.clean(dataset)
    clean.PatientID = clean.PatientName = pseudonym
    if cleaner.options.patient_characteristics is False and "PatientSex" not in clean:
        clean.PatientSex = ""
    if "PatientBirthDate" not in clean:
        clean.PatientBirthDate = ""
    if pixels is not None:
        _place(clean, pixels, dataset)
        if kind in _IMAGES.values():
            clean.BurnedInAnnotation = "YES" if text == "kept" else "NO"
    structured = str(dataset.SOPClassUID).startswith(_REPORTS)
    _say_what_was_done(clean, cleaner.options, structured=structured, blanked=text == "blanked")
    content = _written(clean, dataset, cleaner)
    harmless = package_words("words.txt") | _terms() | _WRITTEN | frozenset(pseudonym.lower().split("-")) | {pseudonym.lower()}
    pixel_bytes = len(pixels.content) if pixels is not None else 0
    if cleaner.identity.found_in(content[: len(content) - pixel_bytes], harmless):
        raise Withheld("a name or number of the patient would still be in it")
    return content


def _kind(dataset: Any) -> str:  # noqa: ANN401
    uid = str(dataset.SOPClassUID).strip()
    kind = _IMAGES.get(uid) or _OTHERS.get(uid)
    if kind is None:
        reason = next((why for start, why in _WHY_NOT.items() if uid.startswith(start)), "of a kind that is not handled")
        raise Withheld(reason)
    return kind


def _without_text(dataset: Any, pixels: StoredPixels, cleaner: DatasetCleaner) -> tuple[StoredPixels, str]:  # noqa: ANN401
    """Look for text in the pixels, and blank it or withhold the file; the word is `free`, `blanked` or `kept`."""
    said, lines, choice = said_to_hold_text(dataset), find_text(pixels.frames), cleaner.options.burned_in
    if pixels.cleared:
        cleaner.tally.remarks["files whose pixels had bits outside the stored ones, now zero"] += 1
    if said and said != BURNED_IN:
        raise Withheld(f"text is expected in its pixels: {said}")
    if said and (choice != "blank" or not lines):
        raise Withheld(f"text in its pixels: {said}" + ("" if lines else ", and it was not found"))
    if not lines:
        return pixels, "free"
    if choice == "withhold":
        raise Withheld("what looks like text in its pixels; look at it, then choose to blank or to keep it")
    if choice == "keep":
        cleaner.tally.remarks["files with what looks like text in their pixels, kept as was asked"] += 1
        return pixels, "kept"
    frames = blank(pixels.frames, lines)
    if find_text(frames):
        raise Withheld("text in its pixels, not all of which could be blanked")
    cleaner.tally.remarks["files with what looks like text in their pixels, which was blanked"] += 1
    content = np.ascontiguousarray(frames).tobytes()
    return StoredPixels(content + b"\0" * (len(content) % 2), frames), "blanked"


def _place(clean: Any, pixels: StoredPixels, dataset: Any) -> None:  # noqa: ANN401
    from pydicom.dataelem import DataElement

    bits = int(dataset.BitsAllocated)
    clean.add(DataElement(0x7FE00010, "OW" if bits > 8 else "OB", pixels.content))
    if "PlanarConfiguration" in clean:
        clean.PlanarConfiguration = 0


def method_codes(options: DeidentificationOptions, *, structured: bool = False, blanked: bool = False) -> dict[str, str]:
    """Codes (DCM, PS3.16 CID 7050) and meanings of what is done with a file."""
    done = {
        "113100": True,
        "113101": blanked,
        "113104": structured,
        "113105": options.descriptions,
        "113107": options.dates == "shift",
        "113108": options.patient_characteristics,
        "113111": options.safe_private,
    }
    return {code: _CODES[code] for code, yes in done.items() if yes}


def _say_what_was_done(clean: Any, options: DeidentificationOptions, *, structured: bool, blanked: bool) -> None:  # noqa: ANN401
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    items = []
    for code, meaning in method_codes(options, structured=structured, blanked=blanked).items():
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, "DCM", meaning
        items.append(item)
    clean.PatientIdentityRemoved = "YES"
    clean.DeidentificationMethod = f"{_OURS}, {PROFILE_EDITION}"
    clean.DeidentificationMethodCodeSequence = Sequence(items)
    clean.LongitudinalTemporalInformationModified = "MODIFIED" if options.dates == "shift" else "REMOVED"


def _written(clean: Any, dataset: Any, cleaner: DatasetCleaner) -> bytes:  # noqa: ANN401
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = clean.SOPClassUID, clean.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID, meta.ImplementationVersionName = _implementation(), _OURS
    clean.file_meta, clean.preamble = meta, b"\0" * 128
    stream = io.BytesIO()
    try:
        clean.save_as(stream, enforce_file_format=True, little_endian=True, implicit_vr=False)
    except Exception as error:  # values that were read and cannot be written
        raise Withheld("damaged (a value that cannot be written)") from error
    return stream.getvalue()


def _implementation() -> str:
    from glioscope.deidentification.secret_key import SecretKey

    return new_uid(SecretKey(b"\0" * 32), _OURS)


def _terms() -> frozenset[str]:
    return frozenset(term.lower() for term in package_words("terms.txt"))
