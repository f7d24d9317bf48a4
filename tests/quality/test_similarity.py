"""Dice and Hausdorff distance of masks, with answers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from glioscope.quality import MEASURES, METRICS, similarities
from glioscope.quality.hausdorff import hausdorff

SPACING = (1.0, 2.0, 5.5)


def box(*slices: slice) -> np.ndarray:
    mask = np.zeros((9, 9, 9), bool)
    mask[slices] = True
    return mask


ONE = box(slice(2, 3), slice(2, 3), slice(2, 3))
EMPTY = np.zeros((9, 9, 9), bool)
MASKS = hnp.arrays(bool, (5, 4, 3), elements=st.booleans())


def test_every_metric_has_a_function_and_a_definition() -> None:
    assert set(MEASURES) == set(METRICS)
    assert all(metric.definition.endswith(".") for metric in METRICS.values())


@pytest.mark.parametrize(
    ("a", "b", "dice", "distance"), [(EMPTY, EMPTY, 1, 0), (ONE, EMPTY, 0, math.inf), (EMPTY, ONE, 0, math.inf)]
)
def test_empty_masks(a: np.ndarray, b: np.ndarray, dice: float, distance: float) -> None:
    assert MEASURES["dice"](a, b, SPACING) == dice
    assert MEASURES["hausdorff"](a, b, SPACING) == distance
    assert MEASURES["hd95"](a, b, SPACING) == distance


def test_distance_is_in_millimetres() -> None:
    far = box(slice(5, 6), slice(6, 7), slice(2, 3))
    assert hausdorff(ONE, far, SPACING) == pytest.approx(math.hypot(3, 8))
    assert hausdorff(ONE, box(slice(2, 3), slice(2, 3), slice(4, 5)), SPACING) == 11


def test_the_percentile_forgives_an_outlier() -> None:
    """A plate of 81 surface voxels and the same with one voxel 4 mm off: 1 of 82 distances is 4, all others 0."""
    plate = box(slice(0, 1))
    outlier = plate.copy()
    outlier[4, 4, 4] = True
    assert hausdorff(plate, outlier, (1, 1, 1)) == 4
    assert hausdorff(plate, outlier, (1, 1, 1), percentile=95) == 0


@given(MASKS, MASKS, st.sampled_from(sorted(MEASURES)))
def test_symmetry_flips_axes_and_padding(a: np.ndarray, b: np.ndarray, name: str) -> None:
    measure = MEASURES[name]
    value = measure(a, b, SPACING)
    assert measure(b, a, SPACING) == pytest.approx(value, nan_ok=True)
    assert measure(a[::-1, :, ::-1], b[::-1, :, ::-1], SPACING) == pytest.approx(value)
    assert measure(a.transpose(2, 0, 1), b.transpose(2, 0, 1), (5.5, 1.0, 2.0)) == pytest.approx(value)
    assert measure(np.pad(a, 2), np.pad(b, 2), SPACING) == pytest.approx(value)
    assert measure(a, a, SPACING) == (1 if name == "dice" else 0)


@given(MASKS, MASKS)
def test_hausdorff_by_all_pairs(a: np.ndarray, b: np.ndarray) -> None:
    """In a volume of one voxel's depth every voxel is on the surface."""
    a, b = a[:, :, :1], b[:, :, :1]
    if not a.any() or not b.any():
        return
    pa, pb = (np.argwhere(m) * SPACING for m in (a, b))
    apart = np.linalg.norm(pa[:, None] - pb[None], axis=2)
    assert hausdorff(a, b, SPACING) == pytest.approx(max(apart.min(axis=1).max(), apart.min(axis=0).max()))


def test_a_table_has_every_rater_by_name_and_the_regions_it_knows() -> None:
    masks = {"z": {"WT": ONE, "ET": EMPTY}, "a": {"WT": ONE}}
    found = similarities(masks, {"WT": ONE, "ET": ONE}, SPACING, {"dice": MEASURES["dice"]})
    assert found == {"a": {"WT": {"dice": 1.0}}, "z": {"WT": {"dice": 1.0}, "ET": {"dice": 0.0}}}
    assert list(found) == ["a", "z"]
