"""The parts of the generator, on small inputs."""

from __future__ import annotations

import numpy as np
import pytest

from glioscope.core import Grid, Sequence, Transform, Volume
from glioscope.synthesis.acquisition import Protocol, acquire, random_rigid, slice_grid
from glioscope.synthesis.anatomy import Anatomy
from glioscope.synthesis.contrast import BRIGHTNESS, ideal_image
from glioscope.synthesis.fields import smooth_field
from glioscope.synthesis.tumour import grow_tumour


def test_field_has_unit_variance_and_its_scale() -> None:
    fields = np.stack([smooth_field(np.random.default_rng(seed), (24, 31, 17), 6) for seed in range(60)])
    assert fields.shape == (60, 24, 31, 17)
    assert fields.std() == pytest.approx(1, abs=0.05)
    near = (fields[:, :-1] * fields[:, 1:]).mean()
    far = (fields[:, :-12] * fields[:, 12:]).mean()
    assert near > 0.9
    assert abs(far) < 0.1


def test_slice_grid_is_centred_tilted_and_covers() -> None:
    grid = slice_grid(Protocol("x", 0.94, 4.0, 14.0), (216, 236, 165))
    assert grid.shape == (230, 252, 42)
    np.testing.assert_allclose(grid.spacing, [0.94, 0.94, 4.0])
    assert grid.orientation == "LAS"
    assert grid.obliquity == pytest.approx(14)
    np.testing.assert_allclose(grid.to_world((np.array(grid.shape) - 1) / 2), 0, atol=1e-9)


def test_rigid_transform_keeps_lengths() -> None:
    matrix = random_rigid(np.random.default_rng(3), 5, 5).matrix
    np.testing.assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix[:3, :3]) == pytest.approx(1)


def test_acquisition_is_rician_where_there_is_nothing() -> None:
    grid = Grid((30, 30, 30), np.eye(4))
    empty = acquire(Volume(np.zeros(grid.shape, np.float32), grid), grid, Transform.identity(), np.random.default_rng(0))
    assert empty.data.dtype == np.int16
    assert empty.data.mean() == pytest.approx(10 * np.sqrt(np.pi / 2), rel=0.02)  # Rayleigh


@pytest.fixture(scope="module")
def block() -> Anatomy:
    """A block of white matter of 96 mm with a margin of air."""
    brain = np.zeros((110, 110, 110), bool)
    brain[7:103, 7:103, 7:103] = True
    nothing = np.zeros(brain.shape, np.float32)
    return Anatomy(Grid((110, 110, 110), np.eye(4)), {"wm": brain.astype(np.float32), "csf": nothing}, brain)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_tumour_is_one_nested_piece_inside_the_brain(block: Anatomy, seed: int) -> None:
    from scipy import ndimage

    grown, labels = grow_tumour(block, np.random.default_rng(seed))
    volumes = np.bincount(labels.ravel(), minlength=4)[1:] / 1000
    assert (volumes > [0.5, 15, 2]).all()
    assert ndimage.label(labels > 0)[1] == 1
    assert not labels[~block.brain].any()
    outside_core = ndimage.binary_dilation(labels == 1) & ~np.isin(labels, (1, 3))
    assert outside_core.sum() < 0.02 * (labels == 1).sum()  # the rim encloses the necrosis
    total = sum(grown.fractions.values())
    np.testing.assert_allclose(np.asarray(total)[block.brain], 1, atol=1e-5)


def test_ideal_image_shows_the_brightness_of_each_tissue(block: Anatomy) -> None:
    image = ideal_image(block, Sequence.T2W, np.random.default_rng(0))
    assert image[block.brain].mean() == pytest.approx(BRIGHTNESS[Sequence.T2W]["wm"], rel=0.02)
    assert not image[~block.brain].any()
