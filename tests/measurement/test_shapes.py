"""Diameters of ellipses, bars and crescents in the axial plane, in any direction, against the analytic answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from glioscope.core import Grid, Volume, get_scheme
from glioscope.measurement import AxialDiameters, axial_diameters, feret_diameter, measure

SPACINGS = [(1.0, 1.0, 1.0), (0.8, 1.0, 2.0), (0.5, 0.5, 6.0), (0.9, 0.9, 5.5)]
SCHEME = get_scheme("brats-2023")


def plane(
    spacing: tuple[float, float, float], angle: float, offset: tuple[float, float], tilt: float = 0.0
) -> tuple[Grid, NDArray[np.float64]]:
    """A grid of three slices, and its voxels' in-plane places in mm along axes turned by `angle`; `tilt` makes it oblique."""
    n = tuple(int(np.ceil(64 / s)) for s in spacing[:2])
    turn = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag(spacing)
    index = np.stack(np.meshgrid(*map(np.arange, n), indexing="ij"), axis=-1) - (np.array(n) - 1) / 2 + offset
    points = index * spacing[:2]
    axes = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return Grid((n[0], n[1], 3), affine), points @ axes


def diameters(grid: Grid, shape: NDArray[np.bool_]) -> AxialDiameters:
    mask = np.zeros(grid.shape, bool)
    mask[..., 1] = shape
    found = axial_diameters(mask, grid)
    assert found is not None
    return found


def cases(count: int) -> list[tuple[np.random.Generator, Grid, NDArray[np.float64]]]:
    """Grids of several spacings, every fourth of them oblique, with a direction and a place between the pixels each."""
    found = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        angle, offset = rng.uniform(0, np.pi), rng.uniform(-0.5, 0.5, 2)
        tilt = 0.5 if seed % 4 == 3 else 0.0
        found.append((rng, *plane(SPACINGS[seed % 5 % 4], angle, (offset[0], offset[1]), tilt)))
    return found


def judge(errors: list[float], share: float, bias: float) -> None:
    """Errors in pixels, of which at least `share` are within half of a pixel's diagonal."""
    found = np.abs(errors)
    assert found.max() < 1.15
    assert (found <= np.sqrt(2) / 2).mean() >= share
    assert abs(np.mean(errors)) < bias


def test_ellipses() -> None:
    longest, perpendicular = [], []
    for rng, grid, p in cases(30):
        long, short = rng.uniform(12, 28), rng.uniform(8, 11)
        found = diameters(grid, ((p / (long, short)) ** 2).sum(axis=-1) <= 1)
        longest.append((found.longest_mm - 2 * long) / grid.spacing[:2].max())
        perpendicular.append((found.perpendicular_mm - 2 * short) / grid.spacing[:2].max())
    judge(longest, 0.96, 0.2)
    judge(perpendicular, 0.98, 0.15)


def test_bars() -> None:
    """They were 0.1 of a pixel too short on average, and their perpendiculars as much too long."""
    longest, perpendicular = [], []
    for rng, grid, p in cases(60):
        long, wide = rng.uniform(24, 50), rng.uniform(5, 9)
        found = diameters(grid, np.asarray((np.abs(p) <= (long / 2, wide / 2)).all(axis=-1)))
        diagonal = np.hypot(long, wide)
        longest.append((found.longest_mm - diagonal) / grid.spacing[:2].max())
        perpendicular.append((found.perpendicular_mm - wide * diagonal / long) / grid.spacing[:2].max())
    judge(longest, 0.95, 0.05)
    judge(perpendicular, 0.98, 0.05)


def test_crescents() -> None:
    """A disc out of which an equal disc is cut: what is left holds more than half of its circle, so a diameter of it."""
    errors = []
    for rng, grid, p in cases(30):
        radius, shift = rng.uniform(18, 28), rng.uniform(8, 20)
        shape = (np.hypot(p[..., 0], p[..., 1]) <= radius) & (np.hypot(p[..., 0] - shift, p[..., 1]) > radius)
        errors.append((diameters(grid, shape).longest_mm - 2 * radius) / grid.spacing[:2].max())
    judge(errors, 1.0, 0.15)


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.7, 1.3)])
@pytest.mark.parametrize("sides", [(40, 9), (12, 12), (1, 1), (25, 1)])
def test_bars_of_whole_voxels_are_exact(spacing: tuple[float, float], sides: tuple[int, int]) -> None:
    """They were 0.5 voxel too short on average, and up to 1.3."""
    mask = np.zeros((60, 60, 3), bool)
    mask[5 : 5 + sides[0], 9 : 9 + sides[1], 1] = True
    found = axial_diameters(mask, Grid((60, 60, 3), np.diag([*spacing, 2.0, 1.0])))
    assert found is not None
    long, short = sorted(np.multiply(sides, spacing), reverse=True)
    assert found.longest_mm == pytest.approx(np.hypot(long, short))
    assert found.perpendicular_mm == pytest.approx(short * np.hypot(long, short) / long)


def test_perpendiculars_of_crescents_with_shallow_hollows() -> None:
    """The outline keeps to the hull only where it is within half a pixel of it: a hollow is no part of the body."""
    errors = []
    for rng, grid, p in cases(30):
        long, thick, hollow = rng.uniform(30, 50), rng.uniform(5, 9), rng.uniform(2, 6)
        outer, inner = ((long**2 / 4 + depth**2) / (2 * depth) for depth in (thick + hollow, hollow))
        shape = np.hypot(p[..., 0] - outer + thick + hollow, p[..., 1]) <= outer
        shape &= np.hypot(p[..., 0] - inner + hollow, p[..., 1]) > inner
        errors.append((diameters(grid, shape).perpendicular_mm - thick) / grid.spacing[:2].max())
    judge(errors, 0.96, 0.15)


def test_bars_along_the_pixels_are_not_too_short() -> None:
    """Right on average, and within half a diagonal as often as any rule can be: see the next test."""
    errors = []
    for rng, grid, _ in cases(60):
        _, p = plane((grid.spacing[0], grid.spacing[1], grid.spacing[2]), 0, tuple(rng.uniform(-0.5, 0.5, 2)))
        long, wide = rng.uniform(24, 50), rng.uniform(5, 9)
        found = diameters(grid, np.asarray((np.abs(p) <= (long / 2, wide / 2)).all(axis=-1)))
        errors.append((found.longest_mm - np.hypot(long, wide)) / grid.spacing[:2].max())
    judge(errors, 0.85, 0.15)


def test_bars_along_the_pixels_of_one_mask_differ_by_more_than_a_voxel() -> None:
    """So no rule is within half a voxel of both, 2 voxels and more apart in either diameter; the measure lies between."""
    grid, p = plane((1.0, 1.0, 1.0), 0, (0.5, 0.5))
    small, large = (np.asarray((np.abs(p) <= half).all(axis=-1)) for half in ((10.05, 3.05), (10.95, 3.95)))
    assert (small == large).all()
    found = diameters(grid, small)
    assert found.longest_mm == pytest.approx(np.hypot(21, 7))
    assert found.perpendicular_mm == pytest.approx(7 * np.hypot(21, 7) / 21)
    diagonals = np.hypot(20.1, 6.1), np.hypot(21.9, 7.9)
    assert diagonals[1] - diagonals[0] > 2
    assert diagonals[1] * 7.9 / 21.9 - diagonals[0] * 6.1 / 20.1 > 2


def test_scattered_voxels_have_no_far_tips() -> None:
    """The faces that keep all voxels outside out may meet anywhere where the voxels are few and nearly in one plane."""
    for seed in (2, 23, 27, 29):
        mask = np.zeros((12, 10, 8), bool)
        mask[tuple(np.random.default_rng(seed).integers(0, (12, 10, 8), (4, 3)).T)] = True
        centres = np.argwhere(mask)
        apart = np.linalg.norm(centres[:, None] - centres, axis=-1).max()
        assert apart < feret_diameter(mask, Grid((12, 10, 8), np.eye(4))) < apart + 4


@settings(max_examples=15)
@given(
    move=st.tuples(*[st.integers(0, 6)] * 3),
    shift=st.tuples(*[st.floats(-80, 80)] * 3),
    flips=st.tuples(*[st.booleans()] * 3),
    seed=st.integers(0, 50),
)
def test_translations_and_flips_change_nothing(
    move: tuple[int, int, int], shift: tuple[float, float, float], flips: tuple[bool, bool, bool], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    data = np.zeros((24, 22, 16), np.uint8)
    data[1:9, 1:10, 1:8] = rng.integers(1, 4, (8, 9, 7))
    data[12:17, 2:8, 2:7] = 3
    affine = np.array([[1.1, 0.1, 0, 3], [-0.1, 0.9, 0.2, 5], [0, 0.1, 2.5, -7], [0, 0, 0, 1.0]])
    elsewhere = affine.copy()
    elsewhere[:3, 3] += shift
    moved = np.roll(data, move, (0, 1, 2))
    flipped = moved[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    mirror = np.eye(4)  # the same world points, the axes running the other way
    for axis, flip in enumerate(flips):
        if flip:
            mirror[axis, axis], mirror[axis, 3] = -1, data.shape[axis] - 1
    first = measure(Volume.of(data, affine), SCHEME).document()
    second = measure(Volume.of(np.ascontiguousarray(flipped), elsewhere @ mirror), SCHEME).document()
    assert _lengths(second) == pytest.approx(_lengths(first), abs=0.11)  # told to a tenth


def _lengths(document: dict[str, Any]) -> list[float]:
    values = []
    for lesions in document["lesions"].values():
        for lesion in lesions:
            values += [lesion["volume_ml"], lesion["feret_diameter_mm"], lesion["axial_diameter_mm"], lesion["axial_slices"]]
    values += document["foci"]["satellite_distances_mm"]
    return [*values, document["rano"]["enhancing"]["measurable_count"]]
