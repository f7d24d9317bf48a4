"""A label map goes back into the frames it came from, whatever the converter did to its axes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from glioscope.conversion import convert_series
from glioscope.core import InvalidImage, Volume, read_labels, read_volume
from glioscope.dicom import label_frames, read_source_series
from tests.dicom_factory import oblique_affine
from tests.dicom_studies import VENDORS, downwards, interleaved, upwards, write_enhanced, write_series

SHAPE = (10, 14, 9)


def turned(plane: str) -> NDArray[np.float64]:
    """Slices in an anatomical plane, tilted about all three axes, unequal spacing in all three directions."""
    directions = {"ax": "LPS", "sag": "PIL", "cor": "LIP", "upside": "RPI"}[plane]
    towards = {"L": (-1, 0, 0), "R": (1, 0, 0), "P": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}
    frame = np.array([towards[letter] for letter in directions], float).T
    a, b, c = np.radians([14, -9, 21])
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = x @ y @ z @ frame * (0.7, 1.1, 4.3)
    affine[:3, 3] = (17.3, -42.1, 8.9)
    return affine


def labelled(seed: int = 3) -> NDArray[np.int16]:
    """Labels that no flip or exchange of axes leaves as they are."""
    return np.random.default_rng(seed).integers(0, 4, SHAPE).astype(np.int16)


@pytest.mark.parametrize("plane", ["ax", "sag", "cor", "upside"])
@pytest.mark.parametrize(("vendor", "order"), [("siemens", interleaved), ("ge", upwards), ("philips", downwards)])
def test_through_dcm2niix_and_back_into_each_image(
    tmp_path: Path, plane: str, vendor: str, order: Callable[[int], list[int]]
) -> None:
    # The pixels of the series are themselves labels, so what the converter makes of them is their label map.
    import pydicom

    files = write_series(tmp_path / "s", labelled(), turned(plane), "t1c", vendor=vendor, order=order)
    convert_series({f"{i:03d}": file for i, file in enumerate(files)}, image=tmp_path / "s.nii.gz", sidecar=tmp_path / "s.json")

    series = read_source_series(files)
    converted = read_volume(tmp_path / "s.nii.gz")  # Philips's private scale factor may have been applied
    frames = label_frames(converted.with_data(np.rint(converted.data * 3 / converted.data.max()).astype(np.uint8)), series)

    stored = {str(d.SOPInstanceUID): d.pixel_array for d in map(pydicom.dcmread, files)}
    assert len(frames) == len(stored) == 9
    for image, frame in zip(series.images, frames, strict=True):
        np.testing.assert_array_equal(frame, stored[str(image.SOPInstanceUID)])


@pytest.mark.parametrize("order", [upwards, downwards, interleaved])
def test_frames_of_one_enhanced_object_keep_their_order(tmp_path: Path, order: Callable[[int], list[int]]) -> None:
    data, affine = labelled(), turned("ax")
    series = read_source_series([write_enhanced(tmp_path, data, affine, "t1c", order=order)])

    frames = label_frames(Volume.of(data.astype(np.uint8), affine), series)

    assert series.multiframe and series.grid.same_as(Volume.of(data, affine).grid, 1e-3)
    np.testing.assert_array_equal(frames, data[:, :, order(9)].transpose(2, 1, 0))


@pytest.mark.parametrize("plane", ["ax", "cor"])
def test_an_enhanced_object_through_dcm2niix_and_back(tmp_path: Path, plane: str) -> None:
    import pydicom

    file = write_enhanced(tmp_path, labelled(), turned(plane), "t1c", vendor="siemens", order=interleaved)
    convert_series({"0": file}, image=tmp_path / "s.nii.gz", sidecar=tmp_path / "s.json")

    frames = label_frames(read_labels(tmp_path / "s.nii.gz"), read_source_series([file]))

    np.testing.assert_array_equal(frames, pydicom.dcmread(file).pixel_array)


@given(st.permutations("xyz"), st.tuples(st.booleans(), st.booleans(), st.booleans()))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_axes_in_any_order_and_direction(
    tmp_path_factory: pytest.TempPathFactory, axes: list[str], flips: tuple[bool, bool, bool]
) -> None:
    folder = tmp_path_factory.getbasetemp() / "turned"
    data, affine = labelled().astype(np.uint8), turned("ax")
    files = sorted(folder.iterdir()) if folder.is_dir() else write_series(folder, data.astype(np.int16), affine, "t1c")
    letters = {"x": "RL"[flips[0]], "y": "AP"[flips[1]], "z": "SI"[flips[2]]}

    frames = label_frames(Volume.of(data, affine).reoriented("".join(letters[a] for a in axes)), read_source_series(files))

    np.testing.assert_array_equal(frames, data.transpose(2, 1, 0))


def test_slightly_uneven_slices_keep_their_own_places(tmp_path: Path) -> None:
    data, affine = labelled(), oblique_affine()
    series = read_source_series(write_series(tmp_path, data, affine, "t1c", shifts={4: 0.08}))

    frames = label_frames(Volume.of(data.astype(np.uint8), affine), series)

    np.testing.assert_array_equal(frames, data.transpose(2, 1, 0))
    assert np.linalg.norm(series.positions[4] - series.positions[3]) == pytest.approx(1.08 * 5.0, abs=1e-3)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"shifts": {4: 0.3}}, "unevenly spaced"),
        ({"without": (4,)}, "slices that the source series lacks"),
        ({"without": (0,)}, "slices that the source series lacks"),
        ({"overrides": {"FrameOfReferenceUID": None}}, "names no frame of reference"),
        ({"shifts": {4: 1.0}}, "several images at one position"),
    ],
)
def test_what_has_no_true_place_is_refused(tmp_path: Path, how: dict[str, object], words: str) -> None:
    data, affine = labelled(), oblique_affine()
    files = write_series(tmp_path, data, affine, "t1c", **how)  # type: ignore[arg-type]

    with pytest.raises(InvalidImage, match=words):
        label_frames(Volume.of(data.astype(np.uint8), affine), read_source_series(files))


def test_another_series_is_refused(tmp_path: Path) -> None:
    data, affine = labelled(), oblique_affine()
    beside = affine.copy()
    beside[0, 3] += 0.3  # mm, of voxels 1 mm wide
    files = write_series(tmp_path, data, affine, "t1c")

    with pytest.raises(InvalidImage, match="do not lie where the label map"):
        label_frames(Volume.of(data.astype(np.uint8), beside), read_source_series(files))


def test_two_series_at_once_are_refused(tmp_path: Path) -> None:
    files = [file for v in VENDORS for file in write_series(tmp_path / v, labelled(), oblique_affine(), "t1c", vendor=v)]

    with pytest.raises(InvalidImage, match="more than one series"):
        read_source_series(files)
