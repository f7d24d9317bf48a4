"""Transforms and the one resampling: exact where the answer is known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from glioscope.core import Grid, Transform, Volume, resample


def rotation(degrees: tuple[float, float, float]) -> NDArray[np.float64]:
    x, y, z = np.radians(degrees)
    rx = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    ry = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    rz = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    return np.asarray(rz @ ry @ rx)


angles = st.tuples(*[st.floats(-40, 40)] * 3)
spacings = st.tuples(*[st.sampled_from([0.7, 1.0, 1.3, 5.5])] * 3)
shifts = st.tuples(*[st.floats(-80, 80)] * 3)
shapes = st.tuples(*[st.integers(2, 9)] * 3)
permutations = st.permutations([0, 1, 2])
signs = st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3)


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """Odd, anisotropic, oblique, permuted and flipped lattices."""
    axes = (np.eye(3) * draw(signs))[:, draw(permutations)]
    affine = np.eye(4)
    affine[:3, :3] = rotation(draw(angles)) @ axes * draw(spacings)
    affine[:3, 3] = draw(shifts)
    return Grid(draw(shapes), affine)


@st.composite
def rigid(draw: st.DrawFn) -> Transform:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation(draw(angles)), draw(shifts)
    return Transform(matrix)


def test_a_pull_back_by_one_voxel_by_hand() -> None:
    moving = Volume.of(
        np.arange(4, dtype=np.float32).reshape(4, 1, 1) * np.ones((4, 2, 2), np.float32), np.diag([2.0, 1, 1, 1])
    )
    matrix = np.eye(4)
    matrix[0, 3] = 3.0  # fixed x = 0 shows what lies at moving x = 3, which is index 1.5
    shown = resample(moving, Grid((3, 2, 2), np.diag([2.0, 1, 1, 1])), Transform(matrix))
    assert shown.data[:, 0, 0].tolist() == [1.5, 2.5, 1.5]  # the last lies half a voxel past the edge, where zero begins


@given(grids())
@settings(deadline=None, max_examples=60)
def test_identity_keeps_every_voxel_up_to_the_edges(grid: Grid) -> None:
    data = np.random.default_rng(1).uniform(1, 2, grid.shape).astype(np.float32)
    shown = resample(Volume(data, grid), grid)
    np.testing.assert_allclose(shown.data, data, atol=1e-5)


@given(grids(), rigid())
@settings(deadline=None, max_examples=60)
def test_a_moved_grid_with_the_transform_that_moved_it_shows_the_same_voxels(grid: Grid, transform: Transform) -> None:
    data = np.random.default_rng(2).uniform(1, 2, grid.shape).astype(np.float32)
    moved = Volume(data, Grid(grid.shape, transform.matrix @ grid.affine))
    np.testing.assert_allclose(resample(moved, grid, transform).data, data, atol=1e-4)


@given(rigid(), rigid(), shifts)
@settings(deadline=None, max_examples=60)
def test_composition_and_inverse(first: Transform, second: Transform, point: tuple[float, float, float]) -> None:
    there = np.array([point])
    np.testing.assert_allclose(first.then(second).apply(there), second.apply(first.apply(there)), atol=1e-8)
    np.testing.assert_allclose(first.inverse().apply(first.apply(there)), there, atol=1e-8)


def test_displacement_comes_before_the_matrix_and_is_zero_outside_its_grid() -> None:
    grid = Grid((3, 3, 3), np.eye(4))
    field = np.zeros((3, 3, 3, 3), np.float32)
    field[..., 0] = 2.0
    warp = Transform(np.diag([10.0, 1, 1, 1]), field, grid)
    assert warp.apply(np.array([[1.0, 1, 1], [50.0, 1, 1]])).tolist() == [[30, 1, 1], [500, 1, 1]]
    assert warp.apply(np.array([1.0, 1, 1])).tolist() == [30, 1, 1]  # issue 2: SyN ended in a fault on a single point
    with pytest.raises(ValueError, match="engine"):
        warp.inverse()
    with pytest.raises(ValueError, match="affine"):
        Transform.identity().then(warp)


@pytest.mark.parametrize("interpolation", ["linear", "bspline"])
def test_a_constant_displacement_equals_the_translation(interpolation: str) -> None:
    grid = Grid((7, 6, 5), np.diag([1.0, 2, 3, 1]))
    moving = Volume(np.random.default_rng(3).uniform(0, 1, grid.shape).astype(np.float32), grid)
    field = np.zeros((*grid.shape, 3), np.float32)
    field[..., 0] = 1.5
    shift = np.eye(4)
    shift[0, 3] = 1.5
    by_field = resample(moving, grid, Transform(np.eye(4), field, grid), interpolation=interpolation)  # type: ignore[arg-type]
    by_matrix = resample(moving, grid, Transform(shift), interpolation=interpolation)  # type: ignore[arg-type]
    np.testing.assert_allclose(by_field.data[:4], by_matrix.data[:4], atol=1e-4)
