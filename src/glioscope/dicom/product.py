"""Who made the objects, which of them belong together, and what an object is given so that its bytes never change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from glioscope.dicom.codes import PRIVATE_SCHEME
from glioscope.dicom.identifiers import uid_of
from glioscope.dicom.source_series import SourceSeries

__all__ = [
    "DISCLAIMER",
    "MANUFACTURER",
    "MODEL",
    "Algorithm",
    "Place",
    "content_moment",
    "declare_codes",
    "finished",
    "place_of",
]

MANUFACTURER = "The Glioscope developers"
MODEL = "Glioscope"
DISCLAIMER = "Not a medical device"
NO_SERIAL_NUMBER = "none"
NO_DATE, NO_TIME = "19000101", "000000"
_ACQUISITION = "109101"
"""DCM code of the equipment that acquired the images."""


@dataclass(frozen=True)
class Algorithm:
    """What found the regions.

    Attributes:
        name: The segmenter's.
        version: Of Glioscope.
        trained: Whether it learnt from labelled exams (its family is then artificial intelligence, else histogram analysis).
        parameters: Name -> value, such as the checksum of the weights.
    """

    name: str
    version: str
    trained: bool
    parameters: tuple[tuple[str, str], ...] = ()

    def listed(self) -> list[str]:
        """The parameters as text."""
        return [f"{name}={value}" for name, value in self.parameters]


@dataclass(frozen=True)
class Place:
    """Where an object is put in the patient's study."""

    series_uid: str
    series_number: int
    instance_uid: str


def place_of(series: SourceSeries, kind: str, offset: int, *content: str | bytes) -> Place:
    """A series of its own for each object: its `kind` and `content` tell it apart from others of the same source series.

    The number of the series is that of the source series times 100, plus `offset`: it follows the images in every list.
    """
    study, source = str(series.first.StudyInstanceUID), str(series.first.SeriesInstanceUID)
    number = int(series.first.get("SeriesNumber") or 0)
    return Place(
        uid_of("series", kind, study, source, *content),
        (number * 100 if 0 < number < 10**7 else 9000) + offset,
        uid_of("instance", kind, study, source, *content),
    )


def content_moment(series: SourceSeries) -> tuple[str, str]:
    """Date and time of the objects: those of the source's content, else acquisition, series or study.

    A date of today would make other bytes of the same input each day. Where the source has none (it was taken out), it is
    1 January 1900, midnight: the standard demands one.
    """
    for kind in ("Content", "Acquisition", "Series", "Study"):
        date = str(series.first.get(f"{kind}Date") or "")
        if len(date) == 8 and date.isdigit():
            time = str(series.first.get(f"{kind}Time") or "")
            return date, time if time[:6].isdigit() else NO_TIME
    return NO_DATE, NO_TIME


def declare_codes(dataset: Any) -> None:  # noqa: ANN401
    """Say in `dataset` whose the private codes in it are (PS3.3, C.12.1.1.1, Coding Scheme Identification Sequence)."""
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodingSchemeDesignator, item.CodingSchemeName = PRIVATE_SCHEME, MODEL
    item.CodingSchemeResponsibleOrganization = MANUFACTURER
    dataset.CodingSchemeIdentificationSequence = [item]


def finished(dataset: Any, series: SourceSeries, place: Place) -> Any:  # noqa: ANN401
    """`dataset` with its source's moment in place of now, its patient as the source has them, and nothing drawn at random."""
    dataset.ContentDate, dataset.ContentTime = content_moment(series)
    if "SpecificCharacterSet" in series.first:  # highdicom does not know them all
        dataset.SpecificCharacterSet = series.first.SpecificCharacterSet
    for element in series.odd.values():
        dataset.add(element)
    for name in ("SeriesDate", "SeriesTime", "BodyPartExamined", "PositionReferenceIndicator"):
        if name in series.first and (name[:6] == "Series" or name in dataset):
            setattr(dataset, name, series.first.get(name))
    for name in ("InstanceCreationDate", "InstanceCreationTime", "TimezoneOffsetFromUTC"):
        if name in dataset:
            delattr(dataset, name)
    if "TimezoneOffsetFromUTC" in series.first:
        dataset.TimezoneOffsetFromUTC = series.first.TimezoneOffsetFromUTC
    for equipment in dataset.get("ContributingEquipmentSequence", ()):
        if equipment.PurposeOfReferenceCodeSequence[0].CodeValue != _ACQUISITION:  # highdicom's own, of now
            equipment.pop("ContributionDateTime", None)
    dimensions = uid_of("dimensions", place.instance_uid)
    for item in (*dataset.get("DimensionOrganizationSequence", ()), *dataset.get("DimensionIndexSequence", ())):
        item.DimensionOrganizationUID = dimensions
    return dataset
