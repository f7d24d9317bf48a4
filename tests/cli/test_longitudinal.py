"""The words typed for `follow`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from glioscope.cli.longitudinal import register
from glioscope.core import OutputUnwritable, Volume, write_volume
from tests.longitudinal.boxes import boxes

APP = typer.Typer()
register(APP)


@APP.command("other")
def _other() -> None:
    """A second command, so that the first keeps its name."""


@pytest.fixture
def exams(tmp_path: Path) -> list[str]:
    out = []
    for name, width in (("a", 14), ("b", 18)):
        data = 3 * boxes(((4, 4, 4), (14, width, 5)), shape=(30, 30, 20)).astype(np.uint8)
        write_volume(tmp_path / f"{name}.nii.gz", Volume.of(data, np.eye(4)))
        out.append(str(tmp_path / f"{name}.nii.gz"))
    return out


def test_follow_prints_the_document_or_a_table(exams: list[str], tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    told = CliRunner().invoke(APP, ["follow", *exams, "--out", out, "--dates", "0,90", "--json"])
    assert told.exit_code == 0, told.output
    document = json.loads(told.stdout)
    assert document["changes"][0]["event"] == "grew"
    assert document["exams"][1]["day"] == 90
    plain = CliRunner().invoke(APP, ["follow", *exams, "--out", out])
    assert "lesion 1 grew (+29 %)" in plain.stdout
    assert "Not a medical device" in plain.stdout


def test_an_output_that_is_a_file_is_refused(exams: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = CliRunner().invoke(APP, ["follow", *exams, "--out", str(tmp_path / "file")])
    assert isinstance(told.exception, OutputUnwritable)


def test_landmarks_that_are_not_there_are_missing_not_malformed(exams: list[str], tmp_path: Path) -> None:
    words = ["follow", *exams, "--out", str(tmp_path / "out"), *(["--landmarks", str(tmp_path / "no.csv")] * 2)]
    assert str(CliRunner().invoke(APP, words).exception) == "'no.csv' does not exist or is not a file."
    assert not (tmp_path / "out").exists()


def test_ctrl_c_costs_a_sentence(exams: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code was 130, and nothing was said."""
    from glioscope.cli.main import _guarded
    from glioscope.workflows import follow as workflow

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(workflow, "follow", interrupted)
    assert _guarded(["follow", *exams, "--out", "out"]) == 130
    assert capsys.readouterr().err.startswith("Interrupted. Run the same command again")
