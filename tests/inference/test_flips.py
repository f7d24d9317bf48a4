from __future__ import annotations

from collections import Counter

import pytest

from glioscope.inference.flips import flips_of


def test_all_flips_of_a_window() -> None:
    assert flips_of((), (0, 0, 0)) == [()]
    assert flips_of((0, 2), (1, 1, 1)) == [(), (2,), (0,), (0, 2)]
    assert len(flips_of((0, 1, 2), (3, 0, 1))) == 8


def test_shared_flips_as_by_hand() -> None:
    assert flips_of((0, 1, 2), (0, 0, 0), sharing=True) == [(), (1, 2), (0, 2), (0, 1)]
    assert flips_of((0, 1, 2), (0, 1, 0), sharing=True) == [(2,), (1,), (0,), (0, 1, 2)]
    assert flips_of((1,), (5, 0, 0), sharing=True) == [()]  # axis 0 is not flipped and does not count
    assert flips_of((), (1, 1, 1), sharing=True) == [()]


@pytest.mark.parametrize("axes", [(0,), (0, 1), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("place", [(0, 0, 0), (2, 1, 0), (1, 1, 1)])
def test_neighbours_have_the_two_halves(axes: tuple[int, ...], place: tuple[int, int, int]) -> None:
    mine = flips_of(axes, place, sharing=True)
    for axis in axes:
        beside = tuple(n + (a == axis) for a, n in enumerate(place))
        assert sorted(mine + flips_of(axes, beside, sharing=True)) == sorted(flips_of(axes, place))
    if len(axes) > 1:  # every axis is flipped as often as not
        assert Counter(axis for flip in mine for axis in flip) == dict.fromkeys(axes, len(mine) // 2)
