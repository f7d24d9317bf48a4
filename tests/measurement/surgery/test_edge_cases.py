"""Extent of resection, residual or gross total, and the classes of RANO resect: a table worked out by hand."""

from __future__ import annotations

import pytest

from glioscope.core import InvalidImage
from glioscope.measurement.surgery import (
    extent_of_resection,
    rano_resect_class,
    resection_category_2021,
    residual_verdict,
)

RT, GTR = "residual tumour", "gross total resection"

# before CE, after CE, after non-CE (ml) -> extent, verdict, class of 2023, category of 2021
TABLE = [
    (20.0, 0.0, 3.0, 1.0, GTR, "1", "complete"),
    (20.0, 0.0, 5.0, 1.0, GTR, "1", "complete"),  # 5 ml is still class 1
    (20.0, 0.0, 5.001, 1.0, GTR, "2A", "complete"),
    (20.0, 0.0, None, 1.0, GTR, "1 or 2A", "complete"),
    (20.0, 0.1, 3.0, 0.995, GTR, "2B", "near total"),  # gross total at 0.175 ml, yet not none
    (20.0, 0.174, 3.0, 0.9913, GTR, "2B", "near total"),
    (20.0, 0.175, 3.0, 0.99125, RT, "2B", "near total"),  # the cut itself is residual
    (20.0, 1.0, 3.0, 0.95, RT, "2B", "near total"),
    (20.0, 1.001, 3.0, 0.94995, RT, "3A", "subtotal"),
    (10.0, 1.0, 3.0, 0.9, RT, "2B", "subtotal"),  # 2021 asks for 95 % as well
    (2.0, 1.0, 3.0, 0.5, RT, "2B", "partial"),
    (100.0, 4.0, 3.0, 0.96, RT, "3A", "subtotal"),  # 95 % but more than 1 ml
    (25.0, 5.0, 3.0, 0.8, RT, "3A", "subtotal"),
    (25.0, 5.001, 3.0, 0.79996, RT, "3B", "partial"),
    (100.0, 6.0, 3.0, 0.94, RT, "3B", "partial"),
    (20.0, 19.0, 3.0, 0.05, RT, "3B", "partial"),
    (20.0, 20.0, 3.0, 0.0, RT, "4", "biopsy"),
    (20.0, 30.0, 3.0, -0.5, RT, "4", "biopsy"),  # growth
    (0.5, 0.6, 3.0, -0.2, RT, "4", "biopsy"),  # growth, though at most 1 ml is left
    (0.0, 0.0, 3.0, None, GTR, None, None),  # no tumour before
    (0.0, 2.0, 3.0, None, RT, None, None),  # none before, some after
]


@pytest.mark.parametrize(("before", "after", "rest", "extent", "verdict", "code", "category"), TABLE)
def test_edge_cases(
    before: float,
    after: float,
    rest: float | None,
    extent: float | None,
    verdict: str,
    code: str | None,
    category: str | None,
) -> None:
    found = extent_of_resection(before, after)
    assert found.fraction == (None if extent is None else pytest.approx(extent))
    assert residual_verdict(after).verdict == verdict
    assert rano_resect_class(after, rest, before).code == code
    assert resection_category_2021(after, before) == category


@pytest.mark.parametrize(
    ("after", "rest", "code"),
    [(0.0, 3.0, "1"), (0.0, 9.0, "2A"), (0.0, None, "1 or 2A"), (0.9, None, "2B"), (4.0, 0.0, "3A"), (40.0, 0.0, "3B")],
)
def test_without_the_exam_before_surgery_volumes_decide_and_that_is_said(after: float, rest: float | None, code: str) -> None:
    found = rano_resect_class(after, rest)
    assert found.code == code
    assert "class 4" in found.notes[0]


def test_no_reduction_beside_a_cavity_was_no_biopsy() -> None:
    assert rano_resect_class(2.0, 3.0, 1.0, cavity_ml=0.0).code == "4"
    found = rano_resect_class(2.0, 3.0, 1.0, cavity_ml=12.0)
    assert found.code is None and "cavity" in found.notes[0]


def test_what_is_odd_is_told() -> None:
    assert "more after" in extent_of_resection(1.0, 2.0).note
    assert "None" not in extent_of_resection(0.0, 0.0).note and "none before" in extent_of_resection(0.0, 0.0).note
    assert "new" in extent_of_resection(0.0, 1.0).note
    assert extent_of_resection(10.0, 10.0).document()["extent_percent"] == 0.0
    assert extent_of_resection(3.0, 1.0).document() == {
        "before_ml": 3.0,
        "after_ml": 1.0,
        "removed_ml": 2.0,
        "extent_percent": 66.7,
        "note": "",
    }


def test_the_cut_can_be_moved_but_not_to_nothing() -> None:
    assert residual_verdict(0.3, 0.5).verdict == GTR
    assert residual_verdict(0.1 + 0.2, 0.3).verdict == RT
    assert residual_verdict(0.3 - 1e-12, 0.3).verdict == RT  # rounding does not decide
    with pytest.raises(InvalidImage, match="above 0"):
        residual_verdict(0.3, 0.0)
