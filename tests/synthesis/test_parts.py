"""The parts of the generator, on small inputs."""

from __future__ import annotations

import numpy as np
import pytest

from glioscope.core import Grid, Sequence, Transform, Volume, resample_fraction
from glioscope.synthesis.acquisition import Protocol, acquire, partial_volume, random_rigid, slice_grid
from glioscope.synthesis.composition import draw_composition
from glioscope.synthesis.contrast import TISSUES, Mode, draw_contrast
from glioscope.synthesis.deformation import COARSE, Deformation, displaced, lattice, random_deformation
from glioscope.synthesis.fields import smooth_field, stretched
from glioscope.synthesis.mass_effect import LONGEST, mass_effect
from glioscope.synthesis.scan import Scan, scan
from glioscope.synthesis.template import SHAPE
from glioscope.synthesis.tissue_maps import tissue_fractions
from tests.synthesis.template_factory import ellipsoid_brain


def test_field_has_unit_variance_and_its_scale() -> None:
    fields = np.stack([smooth_field(np.random.default_rng(seed), (24, 31, 17), 6) for seed in range(60)])
    assert fields.shape == (60, 24, 31, 17)
    assert fields.std() == pytest.approx(1, abs=0.05)
    near = (fields[:, :-1] * fields[:, 1:]).mean()
    far = (fields[:, :-12] * fields[:, 12:]).mean()
    assert near > 0.9
    assert abs(far) < 0.1


def test_stretching_keeps_a_ramp_where_it_is() -> None:
    coarse = np.broadcast_to(np.array([2.0, 6.0, 10.0, 14.0])[:, None, None], (4, 3, 2))
    fine = stretched(coarse, (16, 12, 8))
    np.testing.assert_allclose(fine[2:14, 0, 0], np.arange(2.5, 14), atol=1e-6)
    np.testing.assert_allclose(stretched(coarse, (16, 12, 8), (slice(5, 9), slice(0, 2), slice(3, 4))), fine[5:9, 0:2, 3:4])


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


def test_slices_are_means_over_their_thickness() -> None:
    """By hand on a ramp; and as `resample_fraction` has it, which is slower, on tilted slices."""
    ramp = np.broadcast_to(np.arange(20, dtype=np.float32), (6, 6, 20)).copy()
    thick = Grid((6, 6, 4), np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 4.0, 2.5], [0, 0, 0, 1]]))  # middles at 2.5, 6.5 ...
    slices = partial_volume(Volume(ramp, Grid(ramp.shape, np.eye(4))), thick, Transform.identity())
    np.testing.assert_allclose(slices[3, 3], [2.5, 6.5, 10.5, 14.5], atol=1e-5)

    affine = np.eye(4)
    affine[:3, 3] = -24
    ideal = Volume(1 + smooth_field(np.random.default_rng(0), (50, 50, 50), 8), Grid((50, 50, 50), affine))
    tilted = slice_grid(Protocol("x", 0.94, 5.0, 14.0), (30, 30, 25))
    motion = random_rigid(np.random.default_rng(1), 4, 2)
    fast, slow = partial_volume(ideal, tilted, motion), resample_fraction(ideal, tilted, motion).data
    assert np.abs(fast - slow).mean() < 0.02 * slow.std()


def test_without_displacement_a_deformation_is_the_identity() -> None:
    still = Deformation(np.eye(3, 4), np.zeros((3, *(n // COARSE for n in SHAPE)), np.float32))
    window = (slice(10, 14), slice(3, 5), slice(0, 2))
    np.testing.assert_array_equal(still.source(displaced(None, window), window)[:, 2, 1, 1], [12, 4, 1])
    np.testing.assert_array_equal(still.source(lattice(4))[:, 1, 0, 2], [5.5, 1.5, 9.5])


def test_deformed_heads_differ_little_in_size_and_half_are_mirrored() -> None:
    template = ellipsoid_brain()
    found = [random_deformation(template, np.random.default_rng(seed)) for seed in range(12)]
    scale = np.array([np.abs(np.linalg.det(one.matrix[:, :3])) for one in found])
    assert scale.min() > 0.8
    assert scale.max() < 1.25
    mirrored = sum(np.linalg.det(one.matrix[:, :3]) < 0 for one in found)
    assert 2 <= mirrored <= 10


def test_mass_effect_moves_outwards_dies_away_and_stops_at_the_skull() -> None:
    added = np.zeros((24, 24, 24), np.float32)
    added[12, 12, 12] = -20.0  # 20 voxels of 4 mm: a point looks back towards the source
    shift = mass_effect(added, np.full(added.shape, -100, np.float32))
    # a source of volume V in free space: V / (4 pi r^2), here at 16 mm and with the screen exp(-16 / 60)
    expected = 20 * 64 / (4 * np.pi * 16**2) * np.exp(-16 / 60)
    assert -shift[0, 16, 12, 12] == pytest.approx(expected, rel=0.05)
    assert shift[0, 8, 12, 12] == pytest.approx(expected, rel=0.05)
    assert np.abs(shift[1:, 16, 12, 12]).max() < 1e-3
    assert np.sqrt((shift**2).sum(axis=0)).max() <= LONGEST
    assert not mass_effect(added, np.full(added.shape, 1, np.float32)).any()


@pytest.mark.parametrize("mode", ["realistic", "random"])
def test_every_tissue_has_a_brightness_in_every_sequence(mode: Mode) -> None:
    for seed in range(50):
        contrast = draw_contrast(mode, np.random.default_rng(seed))
        assert set(contrast) == set(Sequence)
        for table in contrast.values():
            assert set(table) == set(TISSUES)
            assert min(table.values()) > 0


def test_realistic_contrast_is_that_of_the_sequences() -> None:
    for seed in range(50):
        contrast = draw_contrast("realistic", np.random.default_rng(seed))
        native, enhanced, t2, flair = (contrast[s] for s in (Sequence.T1N, Sequence.T1C, Sequence.T2W, Sequence.T2F))
        assert native["csf"] < native["gm"] < native["wm"]
        assert enhanced["et"] > native["et"] + 0.15
        assert t2["csf"] > t2["ed"] > t2["gm"] > t2["wm"]
        assert flair["csf"] < flair["gm"] < flair["ed"]


def test_compositions_are_spread_like_real_tumours() -> None:
    drawn = [draw_composition(np.random.default_rng(seed)) for seed in range(800)]
    volume = np.percentile([one.volume for one in drawn], [5, 50, 95])
    np.testing.assert_allclose(volume, [8, 103, 185], rtol=0.25)
    assert np.median([one.core for one in drawn]) == pytest.approx(0.35, abs=0.05)
    assert np.median([one.enhancing for one in drawn]) == pytest.approx(0.76, abs=0.06)
    assert 0.03 < np.mean([one.enhancing == 0 for one in drawn]) < 0.1


def test_a_core_that_hardly_enhances_is_large_and_at_most_a_third_enhances() -> None:
    drawn = [draw_composition(np.random.default_rng(seed), enhancing=False) for seed in range(400)]
    assert min(one.core for one in drawn) > 0.3
    assert max(one.enhancing for one in drawn) <= 0.3
    assert 0.3 < np.mean([one.enhancing == 0 for one in drawn]) < 0.5


def test_a_core_without_enhancement_differs_from_oedema_as_in_real_exams() -> None:
    """Medians of ten exams of BraTS: darker in T1 (0.45 of a standard deviation of the brain), brighter in T2 and FLAIR."""
    drawn = [draw_contrast("realistic", np.random.default_rng(seed)) for seed in range(400)]
    differs = {s: np.array([table[s]["ncr"] - table[s]["ed"] for table in drawn]) for s in Sequence}
    assert np.median(differs[Sequence.T1N]) == pytest.approx(-0.08, abs=0.02)
    assert np.mean(differs[Sequence.T2W] > 0) == pytest.approx(0.85, abs=0.08)
    assert np.mean(differs[Sequence.T2F] > 0) == pytest.approx(0.6, abs=0.08)


def _how(**changes: float) -> Scan:
    values = {"thickness": 1.0, "blur": 0.01, "bias": 0.0, "noise": 0.0, "white": 100.0, "ceiling": 1.0, **changes}
    return Scan(axis=2, shift=(0.0, 0.0, 0.0), **values)


def test_a_perfect_scan_changes_nothing() -> None:
    ideal = np.random.default_rng(0).uniform(0.5, 2, (9, 8, 7)).astype(np.float32)
    brain = np.ones(ideal.shape, bool)
    brain[0] = False
    image = scan(ideal, brain, _how(), np.random.default_rng(1))
    np.testing.assert_allclose(image[1:], 100 * ideal[1:], atol=0.51)
    assert not image[0].any()


def test_thick_slices_blur_across_and_keep_the_mean() -> None:
    ideal = np.ones((6, 6, 40), np.float32)
    ideal[:, :, 20] = 5
    image = scan(ideal, np.ones(ideal.shape, bool), _how(thickness=4.0), np.random.default_rng(1)).astype(float) / 100
    assert (image[3, 3, 18:23] > 1.3).all()
    assert image.max() < 2.6
    assert (image[3, 3] - 1).sum() == pytest.approx(4, rel=0.15)


def test_noise_has_its_strength_and_the_ceiling_cuts() -> None:
    ideal = np.full((40, 40, 40), 1, np.float32)
    image = scan(ideal, np.ones(ideal.shape, bool), _how(noise=0.05, white=1000.0), np.random.default_rng(1))
    assert image.std() == pytest.approx(50, rel=0.02)
    cut = scan(ideal, np.ones(ideal.shape, bool), _how(noise=0.05, white=1000.0, ceiling=0.9), np.random.default_rng(1))
    assert cut.max() == pytest.approx(np.quantile(image, 0.9), abs=2)


def test_tissue_fractions_of_three_intensities() -> None:
    t1 = np.zeros((30, 30, 30), np.float32)
    brain = np.zeros(t1.shape, bool)
    brain[3:27] = True
    t1[3:8], t1[8:18], t1[18:27] = 100, 200, 300
    maps = tissue_fractions(t1, brain)
    assert maps["csf"][5, 15, 15] == pytest.approx(1, abs=0.02)
    assert maps["gm"][13, 15, 15] == pytest.approx(1, abs=0.02)
    assert maps["wm"][22, 15, 15] == pytest.approx(1, abs=0.02)
    np.testing.assert_allclose(sum(maps.values()), brain, atol=1e-5)
