"""What a bundle says of its accuracy, and what is refused there."""

from __future__ import annotations

from typing import Any

import pytest

from glioscope.bundles import Measured, measured_with
from glioscope.bundles.document import check_document
from glioscope.bundles.measured import check_measured
from glioscope.core import InputUnreadable, InvalidImage, Sequence
from tests.bundles.toy import document_of

ROWS: list[dict[str, Any]] = [
    {"sequences": ["t2f", "t1c"], "dice": {"WT": 0.8, "ET": 0.5}, "false_ET_ml": 3.0},
    {"sequences": ["t2f"], "dice": {"WT": 0.7}},
]
TOLD = {"exams": "3 exams", "rows": ROWS}


def test_the_row_is_that_of_just_these_sequences() -> None:
    found = measured_with({"measured": TOLD}, {"t1c", "t2f", "pre-t1c"})
    assert found == Measured("3 exams", (Sequence.T1C, Sequence.T2F), {"WT": 0.8, "ET": 0.5}, 3.0)
    assert found.document()["sequences"] == ["T1 + contrast", "FLAIR"]
    assert measured_with({"measured": TOLD}, ["t2f"]) == Measured("3 exams", (Sequence.T2F,), {"WT": 0.7})
    assert measured_with({"measured": TOLD}, ["t1c"]) is None
    assert measured_with({}, ["t2f"]) is None


def test_factors_of_intervals_need_the_number_of_exams() -> None:
    rows = [{"sequences": ["t2f"], "dice": {}, "volume_factors": {"WT": 1.5}}]
    found = measured_with({"measured": {"exams": "3 exams", "count": 3, "rows": rows}}, ["t2f"])
    assert found is not None
    assert found.widening() == {"factors": {"WT": 1.5}, "exams": 3, "on": "3 exams"}
    uncounted = measured_with({"measured": {"exams": "3 exams", "rows": rows}}, ["t2f"])
    assert uncounted is not None
    assert uncounted.widening() is None


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (ROWS, "with 'exams'"),
        ({"exams": "3 exams"}, "with 'exams'"),
        ({"exams": "3 exams", "rows": [{"sequences": ["t2f"]}]}, "other keys"),
        ({"exams": "3 exams", "rows": [{"sequences": ["t2f"], "dice": {}, "seconds": 3}]}, "other keys"),
        ({"exams": "3 exams", "rows": [{"sequences": ["flair"], "dice": {}}]}, "a list of t1n"),
        ({"exams": "3 exams", "rows": [{"sequences": "t2f", "dice": {}}]}, "a list of t1n"),
        ({"exams": "3 exams", "rows": [{"sequences": ["t2f"], "dice": {"RC": 0.5}}]}, "regions that are found"),
        ({"exams": "3 exams", "rows": [{"sequences": ["t2f"], "dice": {"WT": 1.2}}]}, "no Dice"),
        ({"exams": "3 exams", "rows": [{"sequences": ["t2f"], "dice": {"WT": True}}]}, "no Dice"),
        ({"exams": "3 exams", "rows": [{"sequences": ["t2f"], "dice": {}, "false_ET_ml": -1}]}, "no volume"),
        ({"exams": "3 exams", "count": True, "rows": []}, "no number of exams"),
        ({"exams": "3 exams", "rows": [{"sequences": ["t2f"], "dice": {}, "volume_factors": {"WT": 0.9}}]}, "no factor"),
        ({"exams": "3 exams", "rows": [{"sequences": ["t2f"], "dice": {}, "volume_factors": 2}]}, "no factor"),
    ],
)
def test_what_is_no_such_table_is_refused_by_its_key(told: object, words: str) -> None:
    with pytest.raises(InvalidImage, match=f"'measured.*{words}|{words}"):
        check_measured(told, ("WT", "TC", "ET"))


def test_the_document_of_a_bundle_is_checked_for_it() -> None:
    document = {**document_of(), "format": "glioscope-bundle-1", "members": [{"file": "a", "sha256": "b"}]}
    check_document({**document, "measured": TOLD}, "bundle.yaml")
    with pytest.raises(InputUnreadable, match="'measured' is not a table"):
        check_document({**document, "measured": "well"}, "bundle.yaml")
