"""Volumes, extent and lesions of hand-made label maps."""

from __future__ import annotations

import numpy as np
import pytest

from glioscope.core import Grid, Volume, get_scheme
from glioscope.measurement import lesion_sizes, measure, separate_lesions

SCHEME = get_scheme("brats-2023")


def labels_on(affine: np.ndarray) -> Volume:
    data = np.zeros((20, 20, 20), np.uint8)
    data[2:12, 3:8, 4:8] = 2  # 200 voxels of oedema …
    data[4:8, 4:7, 5:7] = 1  # … 24 of them core …
    data[5:7, 5, 5] = 3  # … and 2 of those enhancing
    return Volume.of(data, affine)


def test_volumes_count_voxels_times_the_determinant() -> None:
    affine = np.array([[2.0, 0.5, 0, 0], [0, 1, 0, 0], [0, 0, 5, 0], [0, 0, 0, 1]])  # sheared: 10 mm3 a voxel
    found = measure(labels_on(affine), SCHEME)
    assert found.labels_ml == pytest.approx({"NCR": 0.22, "ED": 1.76, "ET": 0.02})
    assert {name: region.volume_ml for name, region in found.regions.items()} == pytest.approx(
        {"WT": 2.0, "TC": 0.24, "ET": 0.02}
    )


def test_extent_and_centre_in_patient_axes() -> None:
    affine = np.array([[0, 0, -2.0, 100], [1, 0, 0, 10], [0, 3.0, 0, -5], [0, 0, 0, 1]])
    region = measure(labels_on(affine), SCHEME).regions["WT"]
    assert region.extent_mm == (8.0, 10.0, 15.0)  # 4 slices of 2, 10 of 1, 5 of 3 mm
    assert region.box_mm == ((85.0, 11.5, 2.5), (93.0, 21.5, 17.5))
    assert region.centre_mm == pytest.approx((89.0, 16.5, 10.0))


def test_oblique_grid_keeps_volume_and_moves_the_centre_along() -> None:
    angle = np.radians(20)
    affine = np.eye(4)
    affine[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    region = measure(labels_on(affine), SCHEME).regions["WT"]
    assert region.volume_ml == pytest.approx(0.2)
    assert region.centre_mm == pytest.approx(tuple(affine[:3, :3] @ (6.5, 5, 5.5)))


def test_slice_index_counts_on_the_whole_grid() -> None:
    region = measure(labels_on(np.eye(4)), SCHEME).regions["ET"]
    assert region.axial is not None
    assert region.axial.slice_index == 5
    assert region.axial.height_mm == 5


def test_lesions_are_26_connected_and_small_ones_do_not_count() -> None:
    data = np.zeros((30, 30, 30), np.uint8)
    data[2:7, 2:7, 2:7] = 2  # 125 mm3
    data[7, 7, 7] = 2  # touches it by a corner
    data[15:19, 15:19, 15:19] = 2  # 64 mm3
    data[25, 25, 25] = 2  # 1 mm3
    region = measure(Volume.of(data, np.eye(4)), SCHEME).regions["WT"]
    assert region.lesion_count == 2
    assert region.largest_lesion_ml == pytest.approx(0.126)
    assert lesion_sizes(data > 0).tolist() == [126, 64, 1]
    assert separate_lesions(data > 0)[25, 25, 25] == 3


def test_no_tumour_and_unknown_regions() -> None:
    empty = measure(Volume.of(np.zeros((5, 5, 5), np.uint8), np.eye(4)), SCHEME)
    assert empty.document()["regions"]["WT"] | {"volume_ml": 0} == empty.document()["regions"]["WT"]
    assert empty.document()["regions"]["WT"]["feret_diameter_mm"] is None
    partial = measure(labels_on(np.eye(4)), SCHEME, known=["WT"])
    assert list(partial.regions) == ["WT"]
    assert partial.not_determined == ("TC", "ET")
    assert partial.document()["labels"] == {}


def test_brain_volume_comes_from_its_own_grid() -> None:
    brain = Volume(np.ones((10, 10, 10), np.uint8), Grid((10, 10, 10), np.diag([2.0, 2.0, 2.0, 1.0])))
    assert measure(labels_on(np.eye(4)), SCHEME, brain).document()["brain_volume_ml"] == 8.0
