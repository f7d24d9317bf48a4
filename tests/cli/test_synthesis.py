from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from glioscope.cli import synthesis
from glioscope.workflows import operate_cohort
from glioscope.workflows import synthesize as workflow

app = typer.Typer()
synthesis.register(app)


def test_options_reach_the_workflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def made(out: Path, **options: Any) -> workflow.Synthesized:
        asked.update(options, out=out)
        return workflow.Synthesized(out, (out / "SYN-GLI-00000-000",), 1)

    monkeypatch.setattr(workflow, "synthesize", made)
    arguments = [str(tmp_path), "-n", "3", "--seed", "7", "--style", "raw", "--mode", "random", "--post-operative"]
    done = CliRunner().invoke(
        app, [*arguments, "--residual", "0", "0.5", "--missing", "0.2", "-j", "2", "--atlas", "MNI152", "--json"]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"folder": str(tmp_path), "exams": ["SYN-GLI-00000-000"], "made": 1, "figure": None}
    del asked["progress"]
    assert asked == {
        "out": tmp_path,
        "exams": 3,
        "seed": 7,
        "style": "raw",
        "mode": "random",
        "kind": "post-operative",
        "atlas": "MNI152",
        "shapes": None,
        "share": 0.5,
        "missing": 0.2,
        "residual": (0.0, 0.5),
        "jobs": 2,
    }


def test_operations_have_a_workflow_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def made(cohort: Path, out: Path, **options: Any) -> workflow.Synthesized:
        asked.update(options, cohort=cohort, out=out)
        return workflow.Synthesized(out, (out / "A-OP000",), 1)

    monkeypatch.setattr(operate_cohort, "operate_cohort", made)
    arguments = [str(tmp_path / "out"), "--operate", str(tmp_path), "-n", "3", "--seed", "7", "--residual", "0", "1", "--json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    del asked["progress"]
    expected = {"exams": 3, "seed": 7, "residual": (0.0, 1.0), "jobs": None}
    assert asked == {"cohort": tmp_path, "out": tmp_path / "out", **expected}


@pytest.mark.parametrize(
    "wrong",
    [
        ["--healthy", "--post-operative"],
        ["--healthy", "--shapes", "maps"],
        ["--share", "0.3"],
        ["--residual", "0", "1"],
        ["--operate", ".", "--healthy"],
        ["--operate", ".", "--style", "raw"],
        ["--operate", ".", "--shapes", "maps"],
        ["--style", "dicom"],
        ["--missing", "2"],
        ["-n", "0"],
    ],
)
def test_wrong_options_are_refused(wrong: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [str(tmp_path / "out"), *wrong])
    assert done.exit_code == 2
    assert not (tmp_path / "out").exists()
