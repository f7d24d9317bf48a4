"""Diameters against analytic answers, within half a voxel, on grids of any kind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from glioscope.core import Grid
from glioscope.measurement import axial_diameters, feret_diameter

SPACINGS = [(1.0, 1.0, 1.0), (0.8, 0.8, 3.0), (1.0, 2.0, 1.5)]


def grid_around_zero(spacing: tuple[float, float, float], rotation: NDArray[np.float64], size_mm: float = 70) -> Grid:
    affine = np.eye(4)
    affine[:3, :3] = rotation @ np.diag(spacing)
    shape = tuple(int(np.ceil(size_mm / s)) for s in spacing)
    affine[:3, 3] = -affine[:3, :3] @ (np.array(shape) / 2)
    return Grid((shape[0], shape[1], shape[2]), affine)


def world(grid: Grid) -> NDArray[np.float64]:
    return grid.to_world(np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1))


def half_voxel(grid: Grid) -> float:
    """Half of a voxel's diagonal in mm."""
    return float(np.linalg.norm(grid.spacing)) / 2


def test_feret_of_rotated_ellipsoids() -> None:
    """All within half a voxel; they were too long on average."""
    errors = []
    for seed in range(12):
        grid = grid_around_zero(SPACINGS[seed % 3], Rotation.random(random_state=seed).as_matrix())
        axes = Rotation.random(random_state=100 + seed).as_matrix()
        mask = (((world(grid) @ axes) / (28, 14, 9)) ** 2).sum(axis=-1) <= 1
        errors.append((feret_diameter(mask, grid) - 56) / half_voxel(grid))
    assert np.max(np.abs(errors)) <= 1
    assert abs(np.mean(errors)) < 0.2


@pytest.mark.parametrize("spacing", SPACINGS)
def test_feret_of_balls(spacing: tuple[float, float, float]) -> None:
    """They were up to three quarters of a voxel too long."""
    grid = grid_around_zero(spacing, Rotation.random(random_state=5).as_matrix())
    mask = np.linalg.norm(world(grid) - (0.3, 0.1, -0.4), axis=-1) <= 25
    assert feret_diameter(mask, grid) == pytest.approx(50, abs=0.3 * max(spacing))


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("seed", range(4))
def test_feret_of_bars_at_any_orientation(spacing: tuple[float, float, float], seed: int) -> None:
    grid = grid_around_zero(spacing, Rotation.random(random_state=seed).as_matrix())
    axes = Rotation.random(random_state=200 + seed).as_matrix()
    mask = (np.abs(world(grid) @ axes) <= (25, 5, 5)).all(axis=-1)
    assert feret_diameter(mask, grid) == pytest.approx(np.sqrt(2700), abs=half_voxel(grid))


def test_a_bar_of_whole_voxels_and_a_single_voxel() -> None:
    grid = Grid((30, 5, 5), np.diag([2.0, 1.0, 1.0, 1.0]))
    mask = np.zeros(grid.shape, bool)
    mask[3:23, 2, 2] = True  # 40 mm by 1 mm by 1 mm
    assert feret_diameter(mask, grid) == pytest.approx(np.sqrt(40**2 + 1 + 1))  # from corner to corner
    mask[:] = False
    mask[4, 2, 2] = True
    assert feret_diameter(mask, grid) == pytest.approx(np.sqrt(2**2 + 1 + 1))
    assert feret_diameter(np.zeros(grid.shape, bool), grid) == 0


def test_flat_masks_have_diameters_too() -> None:
    grid = Grid((120, 120, 3), np.eye(4))
    mask = np.zeros(grid.shape, bool)
    mask[10:110, 10:110, 1] = True
    assert feret_diameter(mask, grid) == pytest.approx(np.sqrt(100**2 + 100**2 + 1))


@settings(max_examples=25, deadline=None)
@given(
    long=st.floats(14, 25),
    short=st.floats(8, 12),
    angle=st.floats(0, np.pi),
    spacing=st.sampled_from([(1.0, 1.0, 5.0), (0.8, 1.0, 2.0), (0.5, 0.5, 6.0)]),
)
def test_axial_diameters_of_an_elliptic_cylinder(
    long: float, short: float, angle: float, spacing: tuple[float, float, float]
) -> None:
    grid = grid_around_zero(spacing, np.eye(3), 60)
    points = world(grid)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    mask = (((points[..., :2] @ turn) / (long, short)) ** 2).sum(axis=-1) <= 1
    mask &= np.abs(points[..., 2]) < 10
    found = axial_diameters(mask, grid)
    assert found is not None
    pixel = np.hypot(*spacing[:2])  # an ellipse is blunt at its ends: a row of pixels may lie just outside on either side
    assert found.longest_mm == pytest.approx(2 * long, abs=pixel)
    assert found.perpendicular_mm == pytest.approx(2 * short, abs=pixel)
    assert found.area_mm2 == pytest.approx(np.pi * long * short, rel=0.05)


def test_axial_plane_is_the_one_with_the_largest_area_whatever_the_axis_order() -> None:
    affine = np.zeros((4, 4))
    affine[2, 0], affine[0, 1], affine[1, 2], affine[3, 3] = -3.0, 1.0, 1.0, 1.0  # first array axis runs to the feet
    affine[2, 3] = 60
    grid = Grid((20, 40, 40), affine)
    mask = np.zeros(grid.shape, bool)
    mask[5, 10:13, 10:13] = True
    mask[6, 10:30, 10:20] = True
    found = axial_diameters(mask, grid)
    assert found is not None
    assert found.slice_index == 6
    assert found.height_mm == 42
    assert found.area_mm2 == 200
    assert found.longest_mm == pytest.approx(np.hypot(20, 10), abs=1)


def test_sheared_plane_is_measured_in_world_millimetres() -> None:
    affine = np.eye(4)
    affine[0, 1] = 1.0  # the second axis runs along (1, 1, 0): a step of it is 1.414 mm
    grid = Grid((40, 40, 3), affine)
    mask = np.zeros(grid.shape, bool)
    mask[20, 5:35, 1] = True
    found = axial_diameters(mask, grid)
    assert found is not None
    assert found.longest_mm == pytest.approx(30 * np.sqrt(2), abs=1)
    assert found.area_mm2 == pytest.approx(30)


@pytest.mark.parametrize("orientation", ["LPS", "RAS", "SPR", "AIL"])
def test_turning_the_array_changes_nothing(orientation: str) -> None:
    from glioscope.core import Volume

    rng = np.random.default_rng(3)
    mask = np.zeros((20, 24, 12), bool)
    mask[4:15, 6:20, 3:9] = rng.random((11, 14, 6)) > 0.3
    volume = Volume.of(mask, np.array([[-0.9, 0, 0.2, 5], [0, 1.1, -0.3, -8], [0.1, 0.2, 3.0, 2], [0, 0, 0, 1]]))
    turned = volume.reoriented(orientation)
    assert feret_diameter(turned.data, turned.grid) == pytest.approx(feret_diameter(mask, volume.grid))


def test_a_lesion_in_two_pieces_in_its_largest_slice_has_diameters() -> None:
    """Found by the demo: the pieces are joined in another slice, and a line between them crosses no outline."""
    mask = np.zeros((40, 12, 3), bool)
    mask[2:10, 3:9, 1] = mask[25:35, 3:9, 1] = True
    mask[2:35, 5, 2] = True

    found = axial_diameters(mask, Grid((40, 12, 3), np.eye(4)))

    assert found is not None
    assert found.slice_index == 1
    assert found.longest_mm == pytest.approx(np.hypot(33, 6))  # from corner to corner, no longer from centre to centre
    assert found.perpendicular_mm == pytest.approx(7, abs=1.5)
