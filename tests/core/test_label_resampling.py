"""Label maps between grids: exact under identity, nested, without new labels, and of the same volume."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from glioscope.core import SCHEMES, Grid, Transform, Volume, region_mask, resample_fraction, resample_labels, resample_mask
from tests.core.test_transform import grids, rigid, rotation

SCHEME = SCHEMES["brats-2023"]


def nested_balls(n: int = 60, radii: tuple[float, float, float] = (20, 13, 8)) -> Volume:
    """NCR ball in an ET shell in an ED shell, 1 mm."""
    r = np.linalg.norm(np.indices((n, n, n)) - n / 2 + 0.3, axis=0)
    data = np.zeros((n, n, n), np.uint8)
    for radius, label in zip(radii, (2, 3, 1), strict=True):
        data[r < radius] = label
    return Volume.of(data, np.eye(4))


def volume(labels: NDArray[np.uint8], grid: Grid, region: str) -> float:
    return float(region_mask(labels, SCHEME, region).sum()) * grid.voxel_volume


def test_a_fraction_by_hand() -> None:
    data = np.zeros((8, 2, 2), np.uint8)
    data[2:5] = 1
    coarse = Grid((2, 2, 2), np.array([[4.0, 0, 0, 1.5], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]))
    shown = resample_fraction(Volume.of(data, np.eye(4)), coarse)
    np.testing.assert_allclose(shown.data[:, 0, 0], [0.5, 0.25], atol=1e-6)  # planes 2, 3 of 0..3 and plane 4 of 4..7
    mask = resample_mask(Volume.of(data, np.eye(4)), coarse, threshold=0.3)
    assert mask.data[:, 0, 0].tolist() == [True, False]


@given(grids(), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=80)
def test_identity_returns_identical_labels(grid: Grid, seed: int) -> None:
    data = np.random.default_rng(seed).choice(np.array([0, 1, 2, 3], np.uint8), grid.shape)
    np.testing.assert_array_equal(resample_labels(Volume(data, grid), grid, SCHEME).data, data)


@given(grids(), rigid(), st.integers(0, 2**32 - 1), st.sets(st.sampled_from([1, 2, 3])))
@settings(deadline=None, max_examples=80)
def test_no_label_appears_that_was_not_there(grid: Grid, transform: Transform, seed: int, present: set[int]) -> None:
    source = np.random.default_rng(seed).choice(np.array([0, *present], np.uint8), (9, 8, 7))
    shown = resample_labels(Volume.of(source, np.diag([6.0, 7, 8, 1])), grid, SCHEME, transform)
    assert set(np.unique(shown.data)) <= {0, *present}
    assert shown.data.shape == grid.shape
    assert shown.data.dtype == np.uint8


@given(st.permutations([0, 1, 2]), st.tuples(*[st.booleans()] * 3))
@settings(deadline=None, max_examples=10)
def test_the_order_and_direction_of_axes_change_nothing(order: list[int], flips: tuple[bool, bool, bool]) -> None:
    source = nested_balls(31, (12, 8, 4))
    plain = resample_labels(source, Grid((17, 15, 9), np.diag([2.0, 2.1, 3.3, 1])), SCHEME)
    axes = "".join(("LR", "PA", "IS")[a][not flip] for a, flip in zip(order, flips, strict=True))
    turned_grid = plain.reoriented(axes).grid
    turned = resample_labels(source.reoriented("ASL"), turned_grid, SCHEME)
    np.testing.assert_array_equal(turned.reoriented(plain.grid.orientation).data, plain.data)


@given(st.tuples(*[st.floats(-25, 25)] * 3), st.tuples(*[st.floats(-3, 3)] * 3))
@settings(deadline=None, max_examples=8)
def test_volumes_survive_thick_oblique_slices(degrees: tuple[float, float, float], shift: tuple[float, float, float]) -> None:
    source = nested_balls()
    affine = np.eye(4)
    affine[:3, :3] = rotation(degrees) * [0.9, 0.9, 5.5]
    affine[:3, 3] = 30 - affine[:3, :3] @ np.array([50, 50, 8]) + shift
    thick = Grid((101, 101, 17), affine)
    shown = resample_labels(source, thick, SCHEME)
    for region, tolerance in (("WT", 0.04), ("TC", 0.05), ("ET", 0.12)):
        before, after = volume(source.data, source.grid, region), volume(shown.data, thick, region)
        assert abs(after / before - 1) < tolerance, (region, before, after)
    fraction = resample_fraction(source.with_data(source.data > 0), thick)
    np.testing.assert_allclose(fraction.data.sum() * thick.voxel_volume, volume(source.data, source.grid, "WT"), rtol=0.01)


def test_a_shell_between_two_labels_does_not_become_a_third() -> None:
    data = np.zeros((12, 6, 6), np.uint8)
    data[:6], data[6:] = 1, 3  # numbers in between would be 2
    shown = resample_labels(Volume.of(data, np.eye(4)), Grid((9, 4, 4), np.diag([1.3, 1.3, 1.3, 1])), SCHEME)
    assert set(np.unique(shown.data)) == {1, 3}


def test_a_label_outside_the_whole_tumour_is_kept() -> None:
    scheme = SCHEMES["brats-2024-gli"]
    data = np.zeros((8, 8, 8), np.uint8)
    data[:4], data[4:6] = 4, 2
    shown = resample_labels(
        Volume.of(data, np.eye(4)),
        Grid((4, 4, 4), np.array([[2.0, 0, 0, 0.5], [0, 2, 0, 0.5], [0, 0, 2, 0.5], [0, 0, 0, 1]])),
        scheme,
    )
    assert shown.data[:, 1, 1].tolist() == [4, 4, 2, 0]


def test_a_scheme_without_nested_regions_can_be_resampled() -> None:
    """`residual` and `brats-men-rt` have no WT, TC, ET; pairing those off failed on an empty chain."""
    labels = np.zeros((4, 4, 4), np.uint8)
    labels[1:3, 1:3, 1:3] = 1
    volume = Volume.of(labels, np.eye(4))
    np.testing.assert_array_equal(resample_labels(volume, volume.grid, SCHEMES["residual"]).data, labels)
