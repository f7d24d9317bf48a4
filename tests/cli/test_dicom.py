"""`run --dicom`: asked for there, and only there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import glioscope
from glioscope.cli import exams
from glioscope.cli.main import _guarded as cli
from glioscope.core import Volume, write_volume
from glioscope.workflows.outcome import ExamOutcome, Outcomes
from tests.dicom_factory import oblique_affine, phantom

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
    assert "these files name the patient" in told.stdout  # `run --dicom` kept silent about it (issue 6)


@pytest.mark.parametrize("command", ["segment", "preprocess"])
def test_it_is_no_option_of_what_makes_no_report(tmp_path: Path, command: str) -> None:
    assert CliRunner().invoke(APP, [command, str(tmp_path), str(tmp_path / "out"), "--dicom"]).exit_code == 2


def test_an_exam_of_images_is_refused_before_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # issue 6, stop 11: `run --dicom` of NIfTI did all the work first
    exam, out = tmp_path / "exam", tmp_path / "out"
    for name in ("t1c", "t2f"):
        write_volume(exam / f"P_{name}.nii.gz", Volume.of(phantom(), oblique_affine()))

    code = cli(["run", str(exam), str(out), "--dicom"])

    words = " ".join("".join(capsys.readouterr()).split())
    assert code == 6
    assert "No DICOM can be made for sub-exam. It came as image files" in words
    assert "Run it from its DICOM files, or without --dicom." in words
    assert not list(out.rglob("*.nii.gz")) + [path for path in out.rglob("*.json") if "sub-exam" in str(path)]
