"""The words typed for `grow` and `grow-score`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from typer.testing import CliRunner

from glioscope.cli.growth import register
from glioscope.core import GlioscopeError, Volume, write_volume

APP = typer.Typer()
register(APP)
SHAPE = (24, 24, 20)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    grids = np.ogrid[:24, :24, :20]
    radius = np.asarray(sum((g - c) ** 2 for g, c in zip(grids, (12, 12, 10), strict=True))) ** 0.5
    masks = {"brain": radius < 9, "early": radius < 2.5, "late": radius < 5}
    data = {name: mask.astype(np.uint8) for name, mask in masks.items()}
    named: dict[str, NDArray[Any]] = {"wm": (radius < 9).astype(np.float32), "gm": np.zeros(SHAPE, np.float32), **data}
    for name, voxels in named.items():
        write_volume(tmp_path / f"{name}.nii.gz", Volume.of(voxels, np.diag([2.0, 2, 2, 1])))
    return {name: str(tmp_path / f"{name}.nii.gz") for name in named}


def test_grow_then_score(files: dict[str, str], tmp_path: Path) -> None:
    tissue = ["--white-matter", files["wm"], "--grey-matter", files["gm"]]
    out = str(tmp_path / "out")
    told = CliRunner().invoke(APP, ["grow", files["early"], out, "--follow-up", files["late"], *tissue, "--json"])
    assert told.exit_code == 0, told.output
    numbers = json.loads(told.stdout)
    assert numbers["follow_up"]["average_precision"] > 0.95
    words = [f"{out}/invasion_time.nii.gz", files["late"], "--brain", files["brain"], "--exclude", files["early"]]
    scored = CliRunner().invoke(APP, ["grow-score", *words, "--json"])
    assert json.loads(scored.stdout)["average_precision"] == pytest.approx(numbers["follow_up"]["average_precision"])
    by_density = [f"{out}/density.nii.gz", *words[1:], "--density"]
    plain = CliRunner().invoke(APP, ["grow-score", *by_density])
    assert "average precision 0.9" in plain.stdout or "average precision 1.0" in plain.stdout


def test_a_place_with_a_negative_number_is_no_option(files: dict[str, str], tmp_path: Path) -> None:
    tissue = ["--white-matter", files["wm"], "--grey-matter", files["gm"]]
    told = CliRunner().invoke(APP, ["grow", "mm:-90,24,20", str(tmp_path / "out"), "--until-time", "5", *tissue])
    assert isinstance(told.exception, GlioscopeError)
    assert "lies outside" in str(told.exception)
    told = CliRunner().invoke(APP, ["grow", "mm:24,24,20", str(tmp_path / "out"), "--until-time", "400", *tissue])
    assert told.exit_code == 0
    assert "Visible:" in told.stdout


def test_an_unknown_protocol_is_a_usage_error(files: dict[str, str], tmp_path: Path) -> None:
    told = CliRunner().invoke(APP, ["grow", files["early"], str(tmp_path / "out"), "--protocol", "backward"])
    assert told.exit_code == 2
