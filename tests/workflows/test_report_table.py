"""The cohort's table while its exams are still being worked on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from glioscope.workflows import report


def test_an_exam_that_another_process_has_not_judged_yet_fails_no_other_regression(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a cohort with two processes the exam that was ready first failed: 'quality.json is missing or damaged'."""
    for name, files in (("sub-A", ("measurements", "quality")), ("sub-B", ("measurements",))):
        (tmp_path / name / "report").mkdir(parents=True)
        for file in files:
            (tmp_path / name / "report" / f"{file}.json").write_text(json.dumps({"exam": name}))
    rows: list[object] = []
    monkeypatch.setattr("glioscope.workflows.report_exam.row_of", lambda folder: {"exam": folder.name})
    monkeypatch.setattr("glioscope.reporting.write_cohort_table", lambda table, found: rows.extend(found))
    assert report.write_table(tmp_path) == tmp_path / "measurements.csv"
    assert rows == [{"exam": "sub-A"}]
