"""An earlier exam comes to the voxels of the exam that is looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from glioscope.bundles.placing import read_earlier
from glioscope.core import Grid, Transform, Volume, write_volume

GRID = Grid((10, 12, 8), np.array([[2.0, 0, 0, -9], [0, 2, 0, -11], [0, 0, 3, 4], [0, 0, 0, 1]]))


def earlier(folder: Path, *, mask: bool = False) -> tuple[Path, np.ndarray]:
    """A file on a part of GRID, written with other axes, and what it is on the whole of it."""
    rng = np.random.default_rng(0)
    part = GRID.cropped([2, 1, 3], [10, 9, 7])
    data = rng.integers(0, 4, part.shape).astype(np.uint8) if mask else rng.gamma(2, 50, part.shape).astype(np.float32)
    write_volume(folder / "x.nii.gz", Volume(data, part).reoriented("PSL"))
    whole = np.zeros(GRID.shape, np.float32)
    whole[2:10, 1:9, 3:7] = data > 0 if mask else data
    return folder / "x.nii.gz", whole


def test_an_image_on_a_shifted_grid_with_other_axes(tmp_path: Path) -> None:
    path, expected = earlier(tmp_path)
    found = read_earlier("pre-t1c", path, GRID)
    assert found.grid.same_as(GRID)
    np.testing.assert_allclose(found.data, expected, atol=1e-3)


def test_a_mask_is_what_is_not_zero(tmp_path: Path) -> None:
    path, expected = earlier(tmp_path, mask=True)
    np.testing.assert_array_equal(read_earlier("pre-mask", path, GRID).data, expected > 0)


def test_the_same_grid_is_not_resampled_and_another_space_goes_through_the_transform(tmp_path: Path) -> None:
    data = np.random.default_rng(1).normal(size=GRID.shape).astype(np.float32)
    write_volume(tmp_path / "x.nii.gz", Volume(data, GRID).reoriented("LPS"))
    np.testing.assert_array_equal(read_earlier("pre-t2f", tmp_path / "x.nii.gz", GRID).data, data)
    shift = np.eye(4)
    shift[0, 3] = 2 * GRID.spacing[0]
    moved = read_earlier("pre-t2f", tmp_path / "x.nii.gz", GRID, Transform(shift)).data
    np.testing.assert_allclose(moved[:-2], data[2:], atol=1e-4)
