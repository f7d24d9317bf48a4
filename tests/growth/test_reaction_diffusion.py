"""The simulator against what is known of the equation in closed form."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from glioscope.core import InvalidImage
from glioscope.growth import Growth, GrowthParameters, Seed, Tissue, simulate


def homogeneous(
    shape: tuple[int, int, int], spacing: tuple[float, float, float] = (1, 1, 1), tensor: NDArray[np.float32] | None = None
) -> Tissue:
    """White matter everywhere."""
    white = np.ones(shape, np.float32)
    tensors = None if tensor is None else np.broadcast_to(tensor, (*shape, 3, 3))
    return Tissue(white, 0 * white, white > 0, spacing, tensors, None if tensor is None else white)


def moments(growth: Growth, spacing: tuple[float, float, float]) -> tuple[float, NDArray[Any], NDArray[Any]]:
    """Mass, mean (mm) and covariance (mm2) of a density."""
    mass = float(growth.density.sum(dtype=float))
    places = np.argwhere(growth.density >= 0) * spacing
    share = growth.density.ravel() / mass
    mean = share @ places
    return mass, mean, (places - mean).T @ ((places - mean) * share[:, None])


def test_the_front_moves_at_fishers_speed_with_bramsons_delay() -> None:
    parameters = GrowthParameters(rho=0.01, white=0.1)
    arrival = simulate(homogeneous((420, 1, 1)), parameters, Seed((0, 0, 0)), until_volume_ml=0.3).invasion_time[:, 0, 0]
    t1, t2 = float(arrival[100]), float(arrival[290])
    wave, decay = 2 * math.sqrt(0.01 * 0.1), math.sqrt(0.01 / 0.1)
    expected = wave * (t2 - t1) - 1.5 / decay * math.log(t2 / t1)
    assert expected == pytest.approx(190, rel=0.02)


def test_the_front_is_faster_by_the_root_of_the_diffusivity() -> None:
    white = np.zeros((301, 1, 1), np.float32)
    white[150:] = 1
    tissue = Tissue(white, 1 - white, white >= 0, (1, 1, 1))
    parameters = GrowthParameters(rho=0.01, white=0.4, grey=0.1)
    arrival = simulate(tissue, parameters, Seed((150, 0, 0)), until_time=1500).invasion_time[:, 0, 0]
    reach = np.isfinite(arrival)
    assert reach[150:].sum() / reach[:150].sum() == pytest.approx(2, rel=0.06)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (1.0, 2.0, 1.5)])
def test_pure_diffusion_spreads_as_the_heat_kernel_does(spacing: tuple[float, float, float]) -> None:
    tissue, time = homogeneous((41, 41, 41), spacing), 60.0
    parameters = GrowthParameters(rho=0, white=0.1)
    start = simulate(tissue, parameters, Seed((20, 20.3, 20)), until_time=0)
    end = simulate(tissue, parameters, Seed((20, 20.3, 20)), until_time=time)
    mass, mean, spread = moments(start, spacing)
    later_mass, later_mean, later_spread = moments(end, spacing)
    assert mass * math.prod(spacing) == pytest.approx((2 * math.pi) ** 1.5, rel=1e-3)
    assert later_mass == pytest.approx(mass, rel=1e-6)
    assert later_mean == pytest.approx(mean, abs=1e-3)
    assert later_spread - spread == pytest.approx(2 * 0.1 * time * np.eye(3), abs=0.02)


def test_tensors_spread_the_tumour_along_their_axes() -> None:
    along = np.array([2, 1, 0]) / math.sqrt(5)
    tensor = (0.9 * np.outer(along, along) + 0.1 / 3 * np.eye(3)).astype(np.float32)
    tissue = homogeneous((45, 45, 45), (1.0, 1.25, 1.0), tensor)
    parameters = GrowthParameters(rho=0, white=0.02, tau=0.4)
    start, end = (simulate(tissue, parameters, Seed((22, 22, 22)), until_time=t) for t in (0, 30))
    grown = moments(end, tissue.spacing)[2] - moments(start, tissue.spacing)[2]
    assert grown == pytest.approx(2 * 30 * (0.02 * np.eye(3) + 0.4 * tensor), abs=0.03)
    assert end.density.sum(dtype=float) == pytest.approx(start.density.sum(dtype=float), rel=1e-5)


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_without_reaction_no_cell_is_lost_or_leaves_the_brain(seed: int, with_tensors: bool) -> None:
    rng = np.random.default_rng(seed)
    shape = (9, 8, 7)
    white = rng.random(shape, np.float32)
    brain = rng.random(shape) < 0.7
    brain[3:6, 3:5, 2:5] = True
    root = rng.standard_normal((*shape, 3, 3))
    tensor = root @ np.swapaxes(root, -1, -2)
    tensor = (tensor / np.trace(tensor, axis1=-1, axis2=-2)[..., None, None]).astype(np.float32)
    tissue = Tissue(white, 1 - white, brain, (1.0, 0.8, 2.5), tensor if with_tensors else None)
    start = np.zeros(shape, bool)
    start[3:6, 3:5, 2:5] = True
    parameters = GrowthParameters(rho=0, white=0.3, grey=0.05, tau=0.5)
    growth = simulate(tissue, parameters, start, until_time=40)
    assert growth.density.sum(dtype=float) == pytest.approx(18 * 0.5, rel=1e-5)
    assert growth.density.max() <= 0.5 + 1e-6
    assert not growth.density[~brain].any()


def test_without_diffusion_each_voxel_follows_the_logistic_curve() -> None:
    tissue = homogeneous((5, 5, 5))
    growth = simulate(tissue, GrowthParameters(rho=0.2, white=0), Seed((2, 2, 2), deviation=0.4), until_time=17.3)
    start = simulate(tissue, GrowthParameters(rho=0.2, white=0), Seed((2, 2, 2), deviation=0.4), until_time=0).density
    grown = math.exp(0.2 * 17.3)
    assert growth.density == pytest.approx(start * grown / (1 - start + start * grown), rel=1e-5)
    odds = 1 / float(start[2, 2, 3]) - 1
    assert growth.invasion_time[2, 2, 3] == pytest.approx(math.log(odds) / 0.2, abs=0.01)


@given(st.permutations([0, 1, 2]), st.tuples(*[st.sampled_from([1, -1])] * 3))
def test_turning_and_mirroring_the_brain_turns_and_mirrors_the_tumour(order: list[int], sign: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(5)
    white = rng.random((9, 8, 7), np.float32)
    brain = rng.random(white.shape) < 0.9
    brain[4, 4, 3] = True
    flips = tuple(slice(None, None, s) for s in sign)
    start = np.zeros(white.shape, bool)
    start[4, 4, 3] = True

    def turned(array: NDArray[Any]) -> NDArray[Any]:
        return np.transpose(array, order)[flips]

    spacing = (1.0, 1.5, 2.0)
    parameters = GrowthParameters(rho=0.05, white=0.2, grey=0.1)
    plain = simulate(Tissue(white, 1 - white, brain, spacing), parameters, start, until_time=60)
    a, b, c = (spacing[axis] for axis in order)
    other = simulate(
        Tissue(turned(white), turned(1 - white), turned(brain), (a, b, c)), parameters, turned(start), until_time=60
    )
    assert other.density == pytest.approx(turned(plain.density), abs=1e-6)


def test_a_tumour_starts_from_its_segmentation_and_stops_as_told() -> None:
    tissue = homogeneous((31, 31, 31), (2.0, 2.0, 2.0))
    start = np.zeros((31, 31, 31), bool)
    start[13:18, 13:18, 13:18] = True
    growth = simulate(tissue, GrowthParameters(), start, until_volume_ml=20)
    visible = np.isfinite(growth.invasion_time)
    assert (growth.invasion_time[start] == 0).all()
    assert (growth.invasion_time[visible & ~start] > 0).all()
    assert 20 <= visible.sum() * 0.008 < 21.5
    assert growth.invasion_time[visible].max() <= growth.time
    wanted = np.zeros_like(start)
    wanted[8, 15, 15] = True
    covering = simulate(tissue, GrowthParameters(), start, until_covered=wanted)
    assert np.isfinite(covering.invasion_time[8, 15, 15])
    assert np.isinf(covering.invasion_time[3, 15, 15])
    assert simulate(tissue, GrowthParameters(), start, until_time=12.5).time == 12.5


def test_fluid_is_a_wall_and_growth_ends_when_the_brain_is_full() -> None:
    white = np.ones((20, 5, 5), np.float32)
    white[10] = 0.4
    tissue = Tissue(white, 0 * white, white > 0, (1, 1, 1))
    growth = simulate(tissue, GrowthParameters(rho=0.1, white=1), Seed((3, 2, 2)))
    assert np.isfinite(growth.invasion_time[:10]).all()
    assert np.isinf(growth.invasion_time[10:]).all()
    assert not growth.density[10:].any()


def test_what_cannot_grow_is_told() -> None:
    tissue = homogeneous((5, 5, 5))
    outside = np.zeros((5, 5, 5), bool)
    with pytest.raises(InvalidImage, match="seed lies outside"):
        simulate(tissue, GrowthParameters(), Seed((40, 2, 2)), until_time=1)
    with pytest.raises(InvalidImage, match="start from lies outside"):
        simulate(tissue, GrowthParameters(), outside, until_time=1)
    with pytest.raises(InvalidImage, match="another grid"):
        simulate(tissue, GrowthParameters(), np.ones((4, 5, 5), bool), until_time=1)
    with pytest.raises(InvalidImage, match="until which time"):
        simulate(tissue, GrowthParameters(rho=0), Seed((2, 2, 2)), until_volume_ml=1)
    with pytest.raises(InvalidImage, match="rho is -1"):
        GrowthParameters(rho=-1)
    with pytest.raises(InvalidImage, match="visible is 1"):
        GrowthParameters(visible=1)
    with pytest.raises(InvalidImage, match="no voxel"):
        Tissue(tissue.white, tissue.grey, outside, (1, 1, 1))
    with pytest.raises(InvalidImage, match="on one grid"):
        Tissue(tissue.white[1:], tissue.grey, tissue.brain, (1, 1, 1))
    with pytest.raises(InvalidImage, match="measure"):
        Tissue(tissue.white, tissue.grey, tissue.brain, (1, 0, 1))


def test_a_growth_without_end_is_refused_regression() -> None:
    """A diffusivity of 1e30 mm2 a unit of time made steps so short that the command never came back."""
    with pytest.raises(InvalidImage, match="diffusivities are that large"):
        simulate(homogeneous((5, 5, 5)), GrowthParameters(white=1e30), Seed((2, 2, 2)), until_time=1)
