"""A response counts when a later exam confirms it."""

from __future__ import annotations

import pytest

from glioscope.longitudinal import assess_responses, confirm
from glioscope.longitudinal.confirmation import Category
from tests.longitudinal.boxes import Box, boxes, history


def states(*exams: tuple[Category, float]) -> list[str]:
    categories, days = zip(*exams, strict=True)
    nothing = [[False] * len(exams)] * len(exams)
    return [found.state for found in confirm(categories, days, nothing)]


@pytest.mark.parametrize(
    ("exams", "second"),
    [
        ([("baseline", 0), ("PR", 30)], "open"),
        ([("baseline", 0), ("PR", 30), ("PR", 57)], "open"),  # 27 days
        ([("baseline", 0), ("PR", 30), ("PR", 58)], "confirmed"),
        ([("baseline", 0), ("PR", 30), ("CR", 58)], "confirmed"),
        ([("baseline", 0), ("CR", 30), ("PR", 58)], "not confirmed"),
        ([("baseline", 0), ("PR", 30), ("SD", 40), ("PR", 70)], "not confirmed"),  # not sustained
        ([("baseline", 0), ("MR", 30), ("PR", 90)], "confirmed"),
        ([("baseline", 0), ("PD", 30), ("SD", 40), ("PD", 70)], "confirmed"),
        ([("baseline", 0), ("PD", 30), ("SD", 70)], "not confirmed"),
        ([("baseline", 0), ("SD", 30), ("SD", 70)], "not needed"),
    ],
)
def test_states(exams: list[tuple[Category, float]], second: str) -> None:
    assert states(*exams)[1] == second


def test_the_last_exam_is_confirmed_by_what_was_there_before() -> None:
    assert states(("baseline", 0), ("PR", 30), ("PR", 57), ("PR", 60))[1:] == ["confirmed", "open", "confirmed"]
    assert states(("baseline", 0), ("PR", 30), ("CR", 60))[2] == "open"  # a better one is new
    assert states(("baseline", 0), ("CR", 30), ("PR", 60))[2] == "confirmed"
    assert states(("baseline", 0), ("PD", 30), ("PD", 60))[2] == "confirmed"
    assert states(("baseline", 0), ("PR", 84), ("PR", 140), ("PD", 230))[1:] == ["confirmed", "confirmed", "open"]


def test_without_dates_nothing_is_confirmed() -> None:
    (_, found, _) = confirm(["baseline", "PR", "PR"], None, [[False] * 3] * 3)
    assert found.state == "unknown"
    assert "without dates" in found.rule


def test_a_new_lesion_that_stays_confirms_progression() -> None:
    big: Box = ((5, 5, 5), (30, 30, 4))
    new: Box = ((40, 40, 20), (10, 10, 4))
    stays = assess_responses(history([boxes(big), boxes(big, new), boxes(big, new)]), "ET", [0, 60, 120])
    assert [response.category for response in stays] == ["baseline", "PD", "SD"]
    assert stays[1].appeared == (2,)
    assert stays[1].confirmation.state == "confirmed"
    assert stays[1].confirmation.rule == "Confirmed by exam 3, 60 days later, where the lesion still is."
    fades = assess_responses(history([boxes(big), boxes(big, new), boxes(big)]), "ET", [0, 60, 120])
    assert fades[1].confirmation.state == "not confirmed"
    assert fades[1].confirmation.rule == "Not confirmed: exam 3, 60 days later, is SD."


@pytest.mark.parametrize(("region", "category"), [("WT", "MR"), ("ET", "SD"), ("TC", "SD")])
def test_a_minor_response_is_one_of_non_enhancing_disease(region: str, category: str) -> None:
    shrunk = history([boxes(((5, 5, 5), (20, 20, 8))), boxes(((5, 5, 5), (16, 16, 7)))])  # product -36 %, volume -44 %
    found = assess_responses(shrunk, region, [0, 90])[1]
    assert (found.category, found.volume_category) == (category, category)
    if category == "MR":
        assert found.rule == (
            "The sum of products fell by 36 % from the baseline (800 to 512 mm2; from 25 % for non-enhancing disease)."
        )
        assert found.confirmation.state == "open"
