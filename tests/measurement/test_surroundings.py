"""Depth, ventricles, midline, tracts and resectability on a hand-made atlas."""

from __future__ import annotations

import numpy as np
import pytest

from glioscope.core import Transform, Volume
from glioscope.measurement import AtlasMaps, Neighbourhood, align_atlases, label_overlaps, resectability, tract_overlaps

AFFINE = np.array([[2.0, 0, 0, -40], [0, 2, 0, -40], [0, 0, 2, -40], [0, 0, 0, 1]])  # 41 voxels of 2 mm around 0
SHAPE = (41, 41, 41)


def atlas(shift: tuple[float, float, float] = (0, 0, 0)) -> AtlasMaps:
    """Frontal lobes left and right of x = 0, a ventricle in the middle; the patient lies `shift` mm off."""
    lobes = np.full(SHAPE, 5, np.uint8)
    lobes[:20] = 7
    lobes[18:23, 18:23, 18:23] = 9
    halves = np.where(np.arange(41)[:, None, None] < 20, 2, 1) * np.ones(SHAPE, int)
    to_atlas = np.eye(4)
    to_atlas[:3, 3] = -np.array(shift)
    names = {5: "right frontal lobe", 7: "left frontal lobe", 9: "left lateral ventricle"}
    there = Transform(to_atlas)
    return AtlasMaps("A", Volume.of(lobes, AFFINE), names, Volume.of(halves.astype(np.uint8), AFFINE), there, there.inverse())


def box(x: tuple[float, float], y: tuple[float, float] = (-4, 4), z: tuple[float, float] = (-4, 4)) -> np.ndarray:
    """Points 1 mm apart."""
    return np.stack(np.meshgrid(*(np.arange(a, b + 0.5) for a, b in (x, y, z)), indexing="ij"), axis=-1).reshape(-1, 3)


@pytest.mark.parametrize("shift", [(0.0, 0.0, 0.0), (30.0, -10.0, 5.0)])
def test_the_atlas_is_laid_over_the_patient(shift: tuple[float, float, float]) -> None:
    grid = Volume.of(np.zeros(SHAPE, np.uint8), AFFINE).grid
    found = Neighbourhood(grid, None, atlas(shift)).around(box((-30, -20)) + shift, 0.001)
    assert (found.share.side, found.share.main_lobe) == ("left", "left frontal lobe")
    assert found.ventricles_mm == pytest.approx(16)  # from x = -20 to the ventricle's outermost voxel at x = -4
    assert (found.depth_mm, found.surface_mm) == (None, None)
    assert not found.crosses_midline
    touching = Neighbourhood(grid, None, atlas(shift)).around(box((-10, 10)) + shift, 0.001)
    assert touching.ventricles_mm == 0
    assert touching.crosses_midline
    assert touching.beyond_midline_ml == pytest.approx(0.81, abs=0.1)


def test_depth_is_to_the_outer_surface_of_the_brain_holes_or_not() -> None:
    brain = np.zeros(SHAPE, np.uint8)
    brain[5:36, 5:36, 5:36] = 1  # world -30 to 30 mm
    brain[19:22, 19:22, 19:22] = 0
    volume = Volume.of(brain, AFFINE)
    found = Neighbourhood(volume.grid, volume).around(box((10, 20)), 0.001)
    assert found.surface_mm == pytest.approx(10)
    assert found.depth_mm == pytest.approx(15)
    assert found.ventricles_mm is None
    assert found.share.side == "right"


def test_the_nearest_voxel_of_a_lesion_counts_wherever_it_stands_in_the_list() -> None:
    """A rod of 100 voxels 3 mm below the brain's outermost ones; its last but one alone is 1 mm below them."""
    brain = np.zeros((130, 20, 40), np.uint8)
    brain[5:125, :, 5:36] = 1
    rod = np.array([[x, 10.0, 32.0] for x in range(15, 115)])
    rod[98, 2] = 34
    volume = Volume.of(brain, np.eye(4))
    assert Neighbourhood(volume.grid, volume).around(rod, 0.001).surface_mm == 1


def test_resectability_is_the_mean_probability_of_the_side_s_map() -> None:
    data = np.zeros(SHAPE, np.float32)
    data[5:15] = 0.75
    data[15:20] = np.nan
    points = np.array([[-20.0, 0, 0], [-18, 0, 0], [-4, 0, 0], [0, 0, 0]])  # two at 0.75, one without a number, one at 0
    found = resectability(points, 2.0, "left", {"left": Volume.of(data, AFFINE)})
    assert found is not None
    assert found.index == pytest.approx(0.375)
    assert found.expected_residual_ml == pytest.approx(8 * 0.625)
    assert found.without_record_percent == 50
    assert resectability(points, 2.0, "right", {"left": Volume.of(data, AFFINE)}) is None
    assert resectability(np.zeros((0, 3)), 2.0, "left", {"left": Volume.of(data, AFFINE)}) is None


def test_overlaps_are_shares_of_the_region_the_largest_first() -> None:
    tract, other = np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.float32)
    tract[:15], other[:20] = 0.5, 0.9
    tract[15:] = 0.49
    points = np.array([[-38.0, 0, 0], [-20, 0, 0], [-4, 0, 0], [10, 0, 0]])
    pairs = [("short", Volume.of(tract, AFFINE)), ("long", Volume.of(other, AFFINE)), ("none", Volume.of(tract * 0, AFFINE))]
    found = tract_overlaps({"TC": points, "ET": points[:0]}, 0.5, pairs)
    assert [(o.name, o.percent, o.volume_ml) for o in found["TC"]] == [("long", 75, 1.5), ("short", 50, 1.0)]
    assert "ET" not in found
    parcels = label_overlaps(points, 0.5, atlas().lobes, {7: "left frontal", 5: "right frontal"})
    assert [(o.name, o.percent) for o in parcels] == [("left frontal", 50), ("right frontal", 25)]


def test_two_atlases_are_aligned_by_the_centres_of_their_structures() -> None:
    rng = np.random.default_rng(0)
    data = np.zeros((30, 30, 30), np.uint8)
    for value in range(1, 9):
        x, y, z = rng.integers(3, 26, 3)
        data[x : x + 2, y : y + 2, z : z + 2] = value
    source = Volume.of(data, np.diag([1.0, 2, 1, 1]))
    matrix = np.array([[0.9, 0.1, 0, 5], [0, 1.1, 0.1, -3], [0.05, 0, 1, 2], [0, 0, 0, 1]])
    transform, missed = align_atlases(source, Volume.of(data, matrix @ source.grid.affine))
    assert missed == pytest.approx(0, abs=1e-9)
    assert transform.matrix == pytest.approx(matrix)
