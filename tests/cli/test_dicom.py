"""`run --dicom`: asked for there, and only there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import glioscope
from glioscope.cli import exams
from glioscope.workflows.outcome import ExamOutcome, Outcomes

APP = typer.Typer()
exams.register(APP)


@pytest.mark.parametrize("words", [[], ["--dicom"]])
def test_the_flag_reaches_the_workflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    given: dict[str, Any] = {}

    def run(exam: Path, out: Path, **rest: Any) -> Outcomes:
        given.update(rest)
        return Outcomes((ExamOutcome("sub-X", out, {"dicom_labels": out / "labels.dcm"}),))

    monkeypatch.setattr(glioscope, "run", run, raising=False)
    told = CliRunner().invoke(APP, ["run", str(tmp_path), str(tmp_path / "out"), *words])

    assert told.exit_code == 0, told.output
    assert given["dicom"] is bool(words)
    assert "dicom labels" in told.stdout and "labels.dcm" in told.stdout


@pytest.mark.parametrize("command", ["segment", "preprocess"])
def test_it_is_no_option_of_what_makes_no_report(tmp_path: Path, command: str) -> None:
    assert CliRunner().invoke(APP, [command, str(tmp_path), str(tmp_path / "out"), "--dicom"]).exit_code == 2
