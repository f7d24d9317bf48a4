from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from glioscope.evaluation import CaseScores, RegionScores
from glioscope.evaluation.statistics import summarise, summarise_cases

FINITE = st.lists(st.floats(-100, 100, allow_nan=False), min_size=1, max_size=30)


def test_numbers_by_hand() -> None:
    summary = summarise([2.0, 4.0, 4.0, 10.0])

    assert (summary.count, summary.undefined) == (4, 0)
    assert summary.mean == 5.0
    assert math.isclose(summary.sd, math.sqrt((9 + 1 + 1 + 25) / 3))
    assert (summary.lower_quartile, summary.median, summary.upper_quartile) == (3.5, 4.0, 5.5)
    assert (summary.minimum, summary.maximum) == (2.0, 10.0)


def test_what_is_not_finite_is_left_out_and_counted() -> None:
    summary = summarise([1.0, math.nan, 3.0, math.inf])

    assert (summary.count, summary.undefined, summary.mean) == (2, 2, 2.0)
    nothing = summarise([math.nan])
    assert nothing.document()["mean"] is None and nothing.undefined == 1
    alone = summarise([0.7]).document()
    assert alone["mean"] == 0.7 and alone["sd"] is None and alone["mean_low"] is None


def test_interval_has_the_width_that_theory_says() -> None:
    values = np.random.default_rng(3).normal(10, 2, 400)
    summary = summarise(values, resamples=4000)

    error = values.std(ddof=1) / 20
    assert abs(summary.mean_low - (summary.mean - 1.96 * error)) < 0.15 * error
    assert abs(summary.mean_high - (summary.mean + 1.96 * error)) < 0.15 * error


def test_the_seed_decides_the_interval() -> None:
    values = np.linspace(0, 1, 17)

    assert summarise(values, seed=5) == summarise(values, seed=5)
    assert summarise(values, seed=5).mean_low != summarise(values, seed=6).mean_low


@given(FINITE, st.randoms(use_true_random=False))
def test_order_of_cases_does_not_matter_to_location_and_spread(values: list[float], random: object) -> None:
    turned = sorted(values)
    first, second = summarise(values, resamples=20), summarise(turned, resamples=20)

    assert math.isclose(first.mean, second.mean, abs_tol=1e-9)
    assert first.median == second.median and first.lower_quartile == second.lower_quartile
    assert first.minimum - 1e-9 <= first.mean <= first.maximum + 1e-9


def test_cases_that_lack_a_metric_are_undefined_in_it() -> None:
    cases = [
        CaseScores("a", {"ET": RegionScores({"dice": 0.5, "sensitivity": 1.0}), "WT": RegionScores({"dice": 1.0})}),
        CaseScores("b", {"ET": RegionScores({"dice": 0.7})}),
    ]
    summary = summarise_cases(cases)

    assert list(summary) == ["ET", "WT"]
    assert math.isclose(summary["ET"]["dice"].mean, 0.6)
    assert (summary["ET"]["sensitivity"].count, summary["ET"]["sensitivity"].undefined) == (1, 1)
    assert (summary["WT"]["dice"].count, summary["WT"]["dice"].undefined) == (1, 1)
    assert summarise_cases([]) == {}
