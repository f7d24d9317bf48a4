"""How wide an interval has to be for the truth to lie in it as often as is told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glioscope.measurement import Widening, needed_factor

VOLUMES = st.floats(0, 300)


@pytest.mark.parametrize(
    ("intervals", "truths", "factor"),
    [
        ([(10, 20)], [15], 1.0),  # held: never narrower than the probabilities have it
        ([(9.8, 19.8)], [39.8], 2.0),  # 40 / 20, with 0.2 ml added
        ([(9.8, 19.8)], [4.8], 2.0),  # 10 / 5
        ([(0, 0)], [0.2], 2.0),  # nothing was found: 0.4 / 0.2
        ([(9.8, 19.8), (9.8, 19.8), (10, 20)], [39.8, 59.8, 15], 3.0),  # the worst of few
    ],
)
def test_the_factor_by_hand(intervals: list[tuple[float, float]], truths: list[float], factor: float) -> None:
    assert needed_factor(intervals, truths) == pytest.approx(factor)


def test_of_many_exams_one_in_twenty_may_lie_outside() -> None:
    intervals = [(0.8, 0.8)] * 39
    truths = [n + 0.8 for n in range(39)]  # ratios of 1, 2, ... 39; the rank is 0.95 * 40 = 38
    assert needed_factor(intervals, truths) == pytest.approx(38)


@pytest.mark.parametrize(("exams", "percent"), [(1, 50), (9, 90), (10, 90), (18, 94), (19, 95), (1000, 95)])
def test_so_few_exams_promise_no_more(exams: int, percent: int) -> None:
    assert Widening({}, exams, "exams").percent == percent


@given(st.lists(st.tuples(VOLUMES, VOLUMES, VOLUMES), min_size=1, max_size=40))
def test_the_widened_intervals_hold_what_they_were_made_from(exams: list[tuple[float, float, float]]) -> None:
    intervals = [(min(a, b), max(a, b)) for a, b, _ in exams]
    truths = [truth for *_, truth in exams]
    widening = Widening({"WT": needed_factor(intervals, truths)}, len(exams), "exams")
    found = [widening.applied("WT", interval) for interval in intervals]
    held = [low - 1e-6 <= t <= high + 1e-6 for (low, high), t in zip(filter(None, found), truths, strict=True)]
    assert np.mean(held) >= widening.percent / 100
    assert all(low <= a + 1e-6 and b - 1e-6 <= high for (low, high), (a, b) in zip(filter(None, found), intervals, strict=True))
