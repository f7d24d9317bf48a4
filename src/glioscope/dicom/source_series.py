"""The DICOM series that results go back to: its headers, and where its frames lie."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Grid, InputUnreadable, InvalidImage
from glioscope.dicom.quiet import quietly

__all__ = ["SourceSeries", "read_source_series"]

_TYPE_2 = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
"""Attributes of type 2: an object must have them, though they may be empty; exports leave them out all the same."""


@dataclass(frozen=True, eq=False)
class SourceSeries:
    """One series, without its pixels.

    Attributes:
        images: One dataset an image, ordered along the normal of the planes; or one enhanced multi-frame object.
        orientation: Direction cosines of a row and of a column (LPS).
        positions: ImagePositionPatient of each frame, in the order of `images` or of the frames of the one, (n, 3), mm, LPS.
        spacing: Between rows, between columns, mm.
        shape: Rows, columns.
        odd: Elements that highdicom refuses and the archive knows the patient by all the same: blank in `images`, copied
            as they are into what is made.
    """

    images: tuple[Any, ...]
    orientation: tuple[float, ...]
    positions: NDArray[np.float64]
    spacing: tuple[float, float]
    shape: tuple[int, int]
    odd: Mapping[str, Any] = field(default_factory=dict)

    @property
    def first(self) -> Any:  # noqa: ANN401
        """The header that patient, study and frame of reference are taken from."""
        return self.images[0]

    @property
    def multiframe(self) -> bool:
        """Whether all frames are in one object."""
        return "PerFrameFunctionalGroupsSequence" in self.first

    @cached_property
    def ranks(self) -> NDArray[np.intp]:
        """Of each frame, its place along the normal of the planes, from 0."""
        normal = np.cross(self.orientation[:3], self.orientation[3:6])
        return np.asarray(np.argsort(np.argsort(self.positions @ normal, kind="stable"), kind="stable"))

    @cached_property
    def grid(self) -> Grid:
        """The lattice of the series, RAS: axes are column, row and slice; slices are taken as evenly spaced from end to end."""
        ends = self.positions[np.argsort(self.ranks)]
        affine = self.plane(ends[0])
        affine[:3, 2] = (ends[-1] - ends[0]) / (len(ends) - 1) * (-1, -1, 1)
        return Grid((self.shape[1], self.shape[0], len(ends)), affine)

    def plane(self, position: NDArray[np.float64]) -> NDArray[np.float64]:
        """Affine from (column, row, 0, 1) of a frame at `position` to world points, RAS (PS3.3, C.7.6.2.1.1)."""
        affine = np.eye(4)
        affine[:3, 0] = np.asarray(self.orientation[:3]) * self.spacing[1]
        affine[:3, 1] = np.asarray(self.orientation[3:6]) * self.spacing[0]
        affine[:3, 3] = position
        affine[:2] *= -1
        return affine


def read_source_series(files: Iterable[Path]) -> SourceSeries:
    """The headers of the files of one series, in any order.

    Raises:
        InputUnreadable: a file cannot be read.
        InvalidImage: the series cannot carry a segmentation: no frame of reference, several planes, patients or studies,
            frames of several volumes, or no geometry at all.
    """
    with quietly("read the series"):
        images = [_read(path) for path in files]
        series = _series(images)
        odd = {name: deepcopy(series.first[name]) for name in _TYPE_2 if name in series.first and _is_odd(series.first, name)}
        for image in images:
            for name in _TYPE_2:
                if name not in image or name in odd:
                    setattr(image, name, "")
        return replace(series, odd=odd)


def _is_odd(image: Any, name: str) -> bool:  # noqa: ANN401
    """Whether highdicom would refuse the value: a sex beyond the standard's three, a date or time not written as it should."""
    value = str(image.get(name) or "")
    if name == "PatientSex":
        return value not in ("", "F", "M", "O")
    pattern = {"Date": r"(\d{8})?", "Time": r"(\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?)?"}.get(name[-4:])
    return pattern is not None and re.fullmatch(pattern, value.strip()) is None


def _read(path: Path) -> Any:  # noqa: ANN401
    import pydicom

    try:
        return pydicom.dcmread(path, stop_before_pixels=True, force=True)
    except OSError as error:
        raise InputUnreadable(f"A DICOM file of the source series cannot be read ({error.strerror}).") from None


def _series(images: list[Any]) -> SourceSeries:
    first = images[0]
    for name, what in (
        ("SeriesInstanceUID", "series"),
        ("StudyInstanceUID", "study"),
        ("PatientID", "patient"),
        ("FrameOfReferenceUID", "frame of reference"),
        ("SOPClassUID", "kind of image"),
    ):
        values = {str(image.get(name, "")) for image in images}
        if len(values) > 1:
            raise InvalidImage(f"The source series names more than one {what}, so no object can refer to it; export it again.")
        if not values - {""} and name != "PatientID":
            raise InvalidImage(f"The source series names no {what}, so no object can refer to it; export it again.")
    if "PerFrameFunctionalGroupsSequence" in first:
        if len(images) > 1:
            raise InvalidImage("The source series holds several multi-frame objects; export it as one, or as single images.")
        return _enhanced(first)
    images = sorted(images, key=lambda image: str(image.SOPInstanceUID))
    planes = [_geometry(image, image, image) for image in images]
    series = _of_frames(tuple(images), planes)
    order = np.argsort(series.ranks)
    return SourceSeries(
        tuple(images[i] for i in order), series.orientation, series.positions[order], series.spacing, series.shape
    )


def _enhanced(image: Any) -> SourceSeries:  # noqa: ANN401
    shared = (image.get("SharedFunctionalGroupsSequence") or [{}])[0]

    def group(item: Any, name: str) -> Any:  # noqa: ANN401
        return ((item.get(name) or shared.get(name)) or [{}])[0]

    names = ("PlaneOrientationSequence", "PlanePositionSequence", "PixelMeasuresSequence")
    return _of_frames((image,), [_geometry(*(group(i, n) for n in names)) for i in image.PerFrameFunctionalGroupsSequence])


def _geometry(orientation: Any, position: Any, measures: Any) -> tuple[float, ...]:  # noqa: ANN401
    """Six cosines, position, spacing: eleven numbers."""
    values = (orientation.get("ImageOrientationPatient"), position.get("ImagePositionPatient"), measures.get("PixelSpacing"))
    numbers = tuple(float(v) for value in values for v in value or ())
    if len(numbers) != 11 or not np.isfinite(numbers).all() or min(numbers[9:]) <= 0:
        raise InvalidImage("An image of the source series has no usable position in space.")
    return numbers


def _of_frames(images: tuple[Any, ...], planes: list[tuple[float, ...]]) -> SourceSeries:
    numbers = np.array(planes)
    flat = numbers[:, [*range(6), 9, 10]]
    if np.abs(flat - flat[0]).max() > 1e-3:
        raise InvalidImage("The images of the source series do not lie in parallel planes of one size; export it again.")
    positions = numbers[:, 6:9]
    normal = np.cross(numbers[0, :3], numbers[0, 3:6])
    steps = np.diff(np.sort(positions @ normal))
    if len(steps) < 1 or steps.min() < 0.01:
        raise InvalidImage("The source series holds several images at one position, so it is no single volume.")
    shape = (int(images[0].Rows), int(images[0].Columns))
    return SourceSeries(images, tuple(numbers[0, :6]), positions, (float(numbers[0, 9]), float(numbers[0, 10])), shape)
