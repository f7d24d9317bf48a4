from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glioscope.core import Grid, Volume

ORIENTATIONS = [a + b + c for a in "LR" for b in "AP" for c in "IS"] + ["SLA", "PIR", "ASR", "IPL", "ARS"]


def oblique_grid() -> Grid:
    angle = np.radians(20)
    rotation = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = rotation * [0.9, 0.9, 5.5]
    affine[:3, 3] = [-80, 40, 7]
    return Grid((5, 7, 3), affine)


def test_spacing_volume_and_obliquity_of_an_oblique_anisotropic_grid() -> None:
    grid = oblique_grid()
    assert grid.spacing == pytest.approx([0.9, 0.9, 5.5])
    assert grid.voxel_volume == pytest.approx(4.455)
    assert grid.obliquity == pytest.approx(20)
    assert grid.orientation == "RAS"
    assert grid.extent == pytest.approx([4.5, 6.3, 16.5])


def test_a_sheared_grid_has_the_volume_of_its_parallelepiped() -> None:
    affine = np.array([[1, 0.5, 0, 0], [0, 2, 0, 0], [0, 0, 3, 0], [0, 0, 0, 1]], float)
    assert Grid((2, 2, 2), affine).voxel_volume == pytest.approx(6)


def test_world_and_index_are_each_others_inverse() -> None:
    grid = oblique_grid()
    points = np.array([[0.0, 0, 0], [4, 6, 2], [1.5, 2.25, 0.5]])
    assert grid.to_index(grid.to_world(points)) == pytest.approx(points)
    assert grid.to_world([0, 0, 0]) == pytest.approx([-80, 40, 7])


def test_two_grids_are_the_same_up_to_a_tolerance_at_the_far_corner() -> None:
    grid = oblique_grid()
    moved = grid.affine.copy()
    moved[0, 0] += 0.0002  # 0.8 micrometres at the first axis' end
    assert grid.same_as(Grid(grid.shape, moved))
    moved[0, 3] += 0.01
    assert not grid.same_as(Grid(grid.shape, moved))
    assert not grid.same_as(Grid((5, 7, 4), grid.affine))


@given(st.sampled_from(ORIENTATIONS))
def test_reorienting_moves_no_voxel_in_the_world(orientation: str) -> None:
    grid = oblique_grid()
    volume = Volume(np.arange(105, dtype=np.float32).reshape(grid.shape), grid)

    turned = volume.reoriented(orientation)

    assert turned.grid.orientation == orientation
    assert turned.grid.voxel_volume == pytest.approx(grid.voxel_volume)
    for value in (0, 17, 104):
        here = grid.to_world(np.argwhere(volume.data == value)[0])
        there = turned.grid.to_world(np.argwhere(turned.data == value)[0])
        assert there == pytest.approx(here)
    back = turned.reoriented("RAS")
    assert np.array_equal(back.data, volume.data)
    assert back.grid.same_as(grid, 1e-9)
