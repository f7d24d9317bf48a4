"""Ensemble-discord alarms on planted cohorts with answers worked out by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glioscope.core import InputUnreadable, InvalidImage
from glioscope.quality import (
    AlarmCalibration,
    alarm_threshold,
    alpha_table,
    calibrate_alarms,
    choose_alpha,
    count_entropy,
    pearson,
    pool_regions,
    raise_alarms,
    work_list,
    work_list_csv,
)

Table = dict[str, dict[str, dict[str, float]]]


def table(dice: float, distance: float, rater: str = "a") -> Table:
    return {rater: {"WT": {"dice": dice, "hausdorff": distance}}}


PLANTED = {f"exam{n}": table(dice, distance) for n, (dice, distance) in enumerate(
    [(0.90, 2.0), (0.80, 4.0), (0.70, 6.0), (0.95, 1.0), (0.40, 20.0)]
)}  # fmt: skip
"""Dice: median 0.80, deviations 0.10 0 0.10 0.15 0.40, MAD 0.10. Distances: median 4, deviations 2 0 2 3 16, MAD 2."""


@pytest.mark.parametrize(("alpha", "dice", "distance"), [(0, 0.80, 4.0), (0.5, 0.75, 5.0), (-1, 0.90, 2.0), (2, 0.60, 8.0)])
def test_thresholds_are_median_minus_alpha_mad(alpha: float, dice: float, distance: float) -> None:
    found = calibrate_alarms(PLANTED, alpha).thresholds
    assert found["a", "WT", "dice"] == pytest.approx(dice)  # type: ignore[index]
    assert found["a", "WT", "hausdorff"] == pytest.approx(distance)  # type: ignore[index]


def test_alarms_begin_strictly_below_the_threshold() -> None:
    calibration = calibrate_alarms(PLANTED, 0)
    assert calibration.risks.tolist() == [0, 0, 2, 0, 2]
    assert raise_alarms("new", table(0.80, 4.0), calibration).alarms == ()
    (alarm,) = raise_alarms("new", table(0.80, 4.001), calibration).alarms
    assert (alarm.metric, alarm.reason, alarm.threshold) == ("hausdorff", "beyond threshold", 4.0)


@pytest.mark.parametrize(("value", "reason"), [(math.inf, "not finite"), (math.nan, "no value")])
def test_what_is_not_finite_is_an_alarm_whatever_alpha(value: float, reason: str) -> None:
    found = raise_alarms("new", table(1.0, value), calibrate_alarms(PLANTED, 1e9))
    assert [(a.metric, a.reason) for a in found.alarms] == [("hausdorff", reason)]
    assert json.dumps(found.document(), allow_nan=False)


def test_what_is_not_finite_does_not_move_a_threshold() -> None:
    assert alarm_threshold([1, 2, 3, math.inf, math.nan], 1, higher_is_better=False) == 3
    assert math.isnan(alarm_threshold([math.inf], 0))
    learnt = calibrate_alarms({**PLANTED, "infinite": table(0.8, math.inf)}, 0)
    assert learnt.thresholds["a", "WT", "hausdorff"] == 4  # type: ignore[index]
    assert learnt.risks.tolist() == [0, 0, 2, 0, 2, 1]


def test_a_metric_without_any_finite_value_has_no_threshold_and_finite_values_pass() -> None:
    learnt = calibrate_alarms({"x": table(0.9, math.inf), "y": table(0.9, math.inf)}, 0)
    assert raise_alarms("new", table(0.9, 500.0), learnt).risk == 0


def test_a_missing_rater_counts_as_alarm_and_an_unknown_one_is_refused() -> None:
    both = {name: {**found, "b": {"WT": {"dice": 0.9, "hausdorff": 1.0}}} for name, found in PLANTED.items()}
    learnt = calibrate_alarms(both, 0)
    found = raise_alarms("new", table(0.9, 1.0), learnt)
    assert (found.risk, found.missing) == (2, ("b",))
    assert "No mask from b" in found.paragraph
    with pytest.raises(InvalidImage, match=r"does not know \(c\); it knows a, b"):
        raise_alarms("new", table(0.9, 1.0, "c"), learnt)


def test_alphas_of_their_own_and_the_smallest_of_several() -> None:
    learnt = calibrate_alarms(PLANTED, 1, alphas={"dice": 0, "a": 0.5})
    assert learnt.thresholds["a", "WT", "dice"] == pytest.approx(0.80)  # type: ignore[index]
    assert learnt.thresholds["a", "WT", "hausdorff"] == pytest.approx(5.0)  # type: ignore[index]
    with pytest.raises(InputUnreadable, match="is called nobody"):
        calibrate_alarms(PLANTED, alphas={"nobody": 0})


@pytest.mark.parametrize("few", [{}, {"one": table(1, 0)}])
def test_a_cohort_has_several_exams(few: dict[str, Table]) -> None:
    with pytest.raises(InputUnreadable, match="needs several exams"):
        calibrate_alarms(few)


def test_the_stored_document_brings_the_same_calibration_back() -> None:
    learnt = calibrate_alarms(
        {**PLANTED, "infinite": table(0.8, math.inf)}, 0.1, alphas={"dice": 0}, settings={"method": "simple"}
    )
    text = json.dumps(learnt.document(), allow_nan=False)
    again = AlarmCalibration.from_document(json.loads(text), "f.json")
    assert json.dumps(again.document(), allow_nan=False) == text
    assert learnt.document()["thresholds"]["a"]["WT"]["dice"]["median"] == pytest.approx(0.8)
    assert learnt.document()["alarm_counts"] == [3, 1, 2]
    assert "exam0" not in text


@pytest.mark.parametrize(
    "damage", [{}, {"kind": "x"}, {"columns": [["a", "b"]]}, {"columns": []}, {"values": [[1, "x"]]}, {"alpha": None}]
)
def test_a_document_of_another_kind_is_one_sentence(damage: dict[str, object]) -> None:
    sound = calibrate_alarms(PLANTED).document()
    with pytest.raises(InputUnreadable, match=r"'f.json' is not a calibration"):
        AlarmCalibration.from_document({**sound, **damage} if damage else {}, "f.json")


@settings(max_examples=25)
@given(st.permutations(["c", "a", "b"]), st.permutations(list(PLANTED)))
def test_the_order_of_raters_and_exams_never_matters(raters: list[str], exams: list[str]) -> None:
    def grown(exam: str) -> Table:
        dice = PLANTED[exam]["a"]["WT"]["dice"]
        return {rater: {"WT": {"dice": dice + 0.001 * ord(rater), "hausdorff": 1 / dice}} for rater in raters}

    learnt = calibrate_alarms({exam: grown(exam) for exam in exams})
    usual = calibrate_alarms({exam: dict(sorted(grown(exam).items())) for exam in sorted(exams)})
    assert learnt.document() == usual.document()


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 100)), min_size=2, max_size=12), st.floats(-3, 3), st.floats(0, 3))
def test_a_larger_alpha_never_raises_more_alarms(values: list[tuple[float, float]], alpha: float, more: float) -> None:
    learnt = calibrate_alarms({str(n): table(*pair) for n, pair in enumerate(values)}, alpha)
    assert (learnt.with_alpha(alpha + more).risks <= learnt.risks).all()


def test_entropy_is_that_of_the_published_table() -> None:
    """Rows of tables 1 and 2 of Kofler et al. 2021 (entropy in nats)."""
    assert count_entropy([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 68]) == 0
    assert count_entropy([0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 64]) == pytest.approx(0.22, abs=0.005)
    assert count_entropy([9, 6, 10, 3, 6, 7, 2, 9, 5, 3, 8]) == pytest.approx(2.30, abs=0.005)
    assert count_entropy([37, 11, 4, 1, 3, 10, 1, 1, 0, 0, 0]) == pytest.approx(1.40, abs=0.005)
    assert count_entropy([0, 3, 5, 38]) == pytest.approx(0.58, abs=0.005)
    assert count_entropy([15, 10, 11, 10]) == pytest.approx(1.37, abs=0.005)
    assert count_entropy([1, 1]) == pytest.approx(math.log(2))


def test_pearson() -> None:
    assert pearson([1, 2, 3], [2, 4, 6]) == pytest.approx(1)
    assert pearson([0, 0, 1, 1], [0, 1, 0, 1]) == pytest.approx(0)
    assert pearson([1, 1], [0, 1]) is None
    assert pearson([1, 2, math.nan], [3, 1, 5]) == pytest.approx(-1)


def test_alpha_is_chosen_by_entropy_or_by_correlation() -> None:
    """Dice 0.1 … 0.9, 0.92 in ten exams; the quality tells the two worst from all others, so a strict alpha fits it best."""
    dices = [0.1, 0.2, 0.6, 0.62, 0.64, 0.66, 0.68, 0.7, 0.72, 0.74]
    cohort = {str(n): {"a": {"WT": {"dice": value}}} for n, value in enumerate(dices)}
    quality = [0.1, 0.1, *[0.9] * 8]
    rows = alpha_table(calibrate_alarms(cohort), quality)
    assert choose_alpha(rows, "entropy").alpha == 0  # the median halves the cohort: entropy ln 2
    best = choose_alpha(rows, "correlation")
    assert best.counts == (8, 2)
    assert best.correlations["all"] == pytest.approx(-1)
    assert best.correlations["dice"] == pytest.approx(-1)
    assert best.alpha == 2  # 0.65 - 2 x 0.055 = 0.54; of equal ones that nearest to 0
    assert choose_alpha(rows, "both").alpha == 2  # (0.72 + 1) / 2 against (1 + 0.5) / 2


def test_alpha_by_correlation_needs_qualities() -> None:
    rows = alpha_table(calibrate_alarms(PLANTED))
    assert rows[0].correlations == {"all": None, "dice": None, "hausdorff": None}
    with pytest.raises(InputUnreadable, match="cannot be chosen by correlation"):
        choose_alpha(rows, "correlation")
    assert choose_alpha(rows, "entropy").entropy == max(row.entropy for row in rows)


def test_regions_are_pooled_by_their_mean() -> None:
    found: Table = {"a": {"WT": {"dice": 0.5, "hausdorff": 2}, "ET": {"dice": 1.0, "hausdorff": math.inf}}}
    pooled = pool_regions(found)
    assert pooled["a"]["mean"]["dice"] == 0.75
    assert math.isnan(pooled["a"]["mean"]["hausdorff"])


def test_the_most_suspicious_exam_comes_first() -> None:
    learnt = calibrate_alarms(PLANTED, 0)
    new = {"calm": table(0.9, 1), "wild": table(0.1, math.inf), "odd": table(0.9, 9), "also": table(0.9, 9)}
    rows = work_list([raise_alarms(name, found, learnt) for name, found in new.items()])
    assert [(row["rank"], row["case"], row["risk"]) for row in rows] == [
        (1, "wild", 2),
        (2, "also", 1),
        (2, "odd", 1),
        (4, "calm", 0),
    ]
    assert rows[0]["share_of_cohort_with_fewer"] == 0.6
    assert work_list_csv(rows).splitlines()[1] == "1,wild,2,2,0.6,a,WT,"


def test_the_paragraph_tells_numbers() -> None:
    found = raise_alarms("x", table(0.1, math.inf), calibrate_alarms(PLANTED, 0))
    assert found.paragraph.startswith(
        "2 of 2 ensemble-discord alarms (alpha 0); 60 % of the 5 exams of the calibration cohort have fewer."
    )
    assert "1 for a region that one mask has" in found.paragraph
    assert np.isfinite(found.fewer)
