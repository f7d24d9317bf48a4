"""Arrival times and the seed that they lead back to."""

from __future__ import annotations

import numpy as np
import pytest

from glioscope.core import InvalidImage
from glioscope.growth import GrowthParameters, Tissue, arrival_time, fit_seed, front_speed

PARAMETERS = GrowthParameters(rho=0.01, white=0.16, grey=0.01)


def half_white(shape: tuple[int, int, int] = (40, 30, 24), spacing: tuple[float, float, float] = (1, 1, 1)) -> Tissue:
    white = np.zeros(shape, np.float32)
    white[shape[0] // 2 :] = 1
    return Tissue(white, 1 - white, white >= 0, spacing)


def test_speed_is_fishers_in_each_tissue_and_counts_the_tensors_trace() -> None:
    tissue = half_white()
    speed = front_speed(tissue, PARAMETERS)
    assert speed[30, 0, 0] == pytest.approx(2 * np.sqrt(0.01 * 0.16))
    assert speed[5, 0, 0] == pytest.approx(2 * np.sqrt(0.01 * 0.01))
    tensor = np.broadcast_to(np.diag([1, 0, 0]).astype(np.float32), (*tissue.brain.shape, 3, 3))
    pulled = Tissue(tissue.white, tissue.grey, tissue.brain, tissue.spacing, tensor)
    assert front_speed(pulled, GrowthParameters(0.01, 0.16, 0.01, tau=0.3))[5, 0, 0] == pytest.approx(2 * np.sqrt(0.01 * 0.11))


def test_the_front_arrives_after_distance_over_speed() -> None:
    speed = np.full((41, 31, 21), 0.5, np.float32)
    speed[0] = 0
    times = arrival_time(speed, (1.0, 2.0, 1.0), (20.3, 15, 10))
    places = np.argwhere(speed > 0)
    distance = np.sqrt((((places - [20.3, 15, 10]) * [1, 2, 1]) ** 2).sum(axis=1))
    far = distance > 4
    assert times[speed > 0][far] == pytest.approx(distance[far] / 0.5, rel=0.12)
    assert times[40, 15, 10] == pytest.approx(19.7 / 0.5, rel=0.02)
    assert np.isinf(times[0]).all()


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (1.0, 1.0, 3.0)])
def test_a_seed_is_found_again(spacing: tuple[float, float, float]) -> None:
    tissue = half_white((48, 40, 36 if spacing[2] == 1 else 14), spacing)
    true = (26.0, 19.0, 17.0 if spacing[2] == 1 else 6.0)
    times = arrival_time(front_speed(tissue, PARAMETERS), spacing, true)
    mask = times <= np.sort(times, axis=None)[9000 // int(spacing[2])]
    found = fit_seed(tissue, PARAMETERS, mask, restarts=3)
    assert (np.array(found.seed.index) - true) * spacing == pytest.approx(np.zeros(3), abs=2.5)
    assert found.dice > 0.9
    assert found == fit_seed(tissue, PARAMETERS, mask, restarts=3)


def test_no_seed_is_sought_where_none_can_be() -> None:
    tissue = half_white()
    mask = np.zeros(tissue.brain.shape, bool)
    with pytest.raises(InvalidImage, match="outside the white and grey"):
        fit_seed(tissue, PARAMETERS, mask)
    mask[4:8, 4:8, 4:8] = True
    with pytest.raises(InvalidImage, match="cannot move"):
        fit_seed(tissue, GrowthParameters(grey=0), mask)
    with pytest.raises(InvalidImage, match="seed lies outside"):
        arrival_time(np.zeros((5, 5, 5), np.float32), (1, 1, 1), (2, 2, 2))
