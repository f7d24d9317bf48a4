from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from glioscope.cli import synthesis
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
    done = CliRunner().invoke(app, [*arguments, "--missing", "0.2", "-j", "2", "--atlas", "MNI152", "--json"])
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
        "jobs": 2,
    }


@pytest.mark.parametrize(
    "wrong",
    [
        ["--healthy", "--post-operative"],
        ["--healthy", "--shapes", "maps"],
        ["--share", "0.3"],
        ["--style", "dicom"],
        ["--missing", "2"],
        ["-n", "0"],
    ],
)
def test_wrong_options_are_refused(wrong: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [str(tmp_path / "out"), *wrong])
    assert done.exit_code == 2
    assert not (tmp_path / "out").exists()
