from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glioscope.core import InvalidImage
from glioscope.inference import WindowSettings
from glioscope.inference.windows import brain_box, fitted_window, window_starts, window_weights


def test_windows_as_by_hand() -> None:
    assert window_starts(128, 128, 0.5) == [0]
    assert window_starts(140, 128, 0.5) == [0, 12]
    assert window_starts(240, 128, 0.5) == [0, 56, 112]
    assert window_starts(10, 4, 0.0) == [0, 3, 6]
    assert window_starts(5, 1, 0.5) == [0, 1, 2, 3, 4]


@given(st.integers(1, 60), st.integers(0, 80), st.floats(0, 0.9))
def test_windows_cover_the_axis_and_overlap_enough(window: int, room: int, overlap: float) -> None:
    size = window + room
    starts = window_starts(size, window, overlap)
    assert starts[0] == 0
    assert starts[-1] == room
    steps = np.diff(starts)
    assert (steps >= 0).all()
    assert (steps <= max(1, np.ceil(window * (1 - overlap)))).all()
    mirrored = [room - start for start in reversed(starts)]
    assert np.abs(np.subtract(starts, mirrored)).max() <= 1
    if room % 2 == 0:
        assert mirrored == starts


@given(st.integers(1, 40), st.integers(0, 60), st.floats(0, 0.8))
def test_weights_sum_to_one_in_every_voxel(window: int, room: int, overlap: float) -> None:
    starts = window_starts(window + room, window, overlap)
    weights = window_weights(window + room, window, starts)
    total = np.zeros(window + room)
    for start, weight in zip(starts, weights, strict=True):
        total[start : start + window] += weight
    np.testing.assert_allclose(total, 1, atol=1e-6)
    assert (weights > 0).all()


def test_the_middle_of_a_window_counts_most() -> None:
    first, second = window_weights(13, 9, [0, 4])
    assert (first[:4] == 1).all()  # alone there
    assert first[4] > 0.9
    assert first[8] < 0.1
    np.testing.assert_allclose(first, second[::-1], atol=1e-7)


def test_the_centre_of_an_even_window_is_that_of_nnunet() -> None:
    first, second = window_weights(12, 8, [0, 4])
    # Distances from the centres 4 and 8, standard deviation 1 voxel.
    expected = [1 / (1 + np.exp(-(((n - 8) ** 2 - (n - 4) ** 2) / 2))) for n in range(4, 8)]
    np.testing.assert_allclose(first[4:], expected, rtol=1e-5)
    np.testing.assert_allclose(second[:4], 1 - np.array(expected), rtol=1e-3)


def test_box_of_a_mask() -> None:
    mask = np.zeros((5, 6, 7), bool)
    assert brain_box(mask) is None
    mask[1, 2, 3] = mask[3, 2, 6] = True
    assert brain_box(mask) == (slice(1, 4), slice(2, 3), slice(3, 7))


def test_sides_are_rounded_up_to_what_the_network_divides() -> None:
    assert WindowSettings((100, 96, 3), divisor=(32, 32, 4)).window == (128, 96, 4)


@pytest.mark.parametrize(
    "wrong",
    [{"patch": (0, 8, 8)}, {"overlap": 1.0}, {"mirror_axes": (3,)}, {"activation": "relu"}, {"batch": 0}],
)
def test_settings_that_make_no_sense(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidImage):
        WindowSettings(**{"patch": (8, 8, 8), **wrong})  # type: ignore[arg-type]


def test_a_window_fits_the_brain_where_it_may_stretch() -> None:
    patch = (128, 128, 128)
    assert fitted_window((120, 156, 132), WindowSettings(patch)) == patch
    assert fitted_window((120, 156, 132), WindowSettings(patch, stretch=1.5)) == (128, 160, 160)
    # 208 is more than one and a half times 128; that axis keeps its windows.
    assert fitted_window((120, 206, 132), WindowSettings(patch, stretch=1.5)) == (128, 128, 160)
    # 192 x 160 x 160 voxels would be more than twice the patch: the axes that need less go first.
    assert fitted_window((190, 150, 140), WindowSettings(patch, stretch=1.5)) == (128, 160, 160)
    assert fitted_window((40, 70, 100), WindowSettings(patch, stretch=1.5)) == (64, 96, 128)
    assert fitted_window((40, 70, 100), WindowSettings(patch, stretch=1.5, divisor=(64, 64, 64))) == (64, 128, 128)


@pytest.mark.parametrize("stretch", [0.5, 9.0])
def test_a_stretch_out_of_bounds_is_said(stretch: float) -> None:
    with pytest.raises(InvalidImage, match="stretch by a factor of 1 to 4"):
        WindowSettings((8, 8, 8), stretch=stretch)
