"""The words typed for `surgery` and `study`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import typer
from typer.testing import CliRunner

from glioscope.cli.surgery import register
from glioscope.core import GlioscopeError
from tests.workflows.label_maps import AFFINE, nested, save

APP = typer.Typer()
register(APP)


def test_surgery_in_words_and_as_json(tmp_path: Path) -> None:
    before, after = save(tmp_path / "b.nii.gz", nested()), save(tmp_path / "a.nii.gz", np.where(nested() == 3, 0, nested()))
    told = CliRunner().invoke(APP, ["surgery", str(after), "--pre", str(before), "--scheme", "brats-2023"])
    assert told.exit_code == 0, told.output
    assert "gross total resection" in told.stdout and "100.0 %" in told.stdout and "Not a medical device" in told.stdout
    told = CliRunner().invoke(APP, ["surgery", str(after), "--scheme", "brats-2023", "--json", "--cut", "0.5"])
    assert json.loads(told.stdout)["residual"] == {
        "volume_ml": 0.0,
        "cut_ml": 0.5,
        "verdict": "gross total resection",
        "probability_residual_tumour": None,
        "model": None,
        "models": [],
        "note": json.loads(told.stdout)["residual"]["note"],
    }
    told = CliRunner().invoke(APP, ["surgery", str(after), "--scheme", "nothing"])
    assert isinstance(told.exception, GlioscopeError) and "no label scheme 'nothing'" in str(told.exception)


def test_study_shows_both_tables_and_an_exit_code_for_a_bad_patient(tmp_path: Path) -> None:
    save(tmp_path / "r.nii.gz", nested())
    (tmp_path / "c.csv").write_text("id,reference,prediction\np,r.nii.gz,r.nii.gz\nq,r.nii.gz,missing.nii.gz\n")
    words = ["study", str(tmp_path / "c.csv"), "--scheme", "brats-2023", "-o", str(tmp_path / "out")]
    told = CliRunner().invoke(APP, words, standalone_mode=False)
    assert told.return_value == 10
    shown = "".join(told.stdout.split())  # lines break anywhere in a long path
    assert "DSC-TP" in shown and "bAcc" in shown and "missing.nii.gz" in shown
    assert "100.00" in (tmp_path / "out" / "tables.md").read_text()
    told = CliRunner().invoke(APP, [*words, "--json"], standalone_mode=False)
    assert json.loads(told.stdout)["failed"][0]["exit_code"] == 3
    assert CliRunner().invoke(APP, [*words, "--cut", "0"]).exit_code == 2


def test_maps_on_another_grid_are_moved_when_asked(tmp_path: Path) -> None:
    save(tmp_path / "r.nii.gz", nested())
    flipped = AFFINE.copy()
    flipped[0] = (1, 0, 0, -23)
    save(tmp_path / "p.nii.gz", np.flip(nested(), 0), flipped)
    (tmp_path / "c.csv").write_text("id,reference,prediction\np,r.nii.gz,p.nii.gz\n")
    words = ["study", str(tmp_path / "c.csv"), "--scheme", "brats-2023", "--json"]
    assert isinstance(CliRunner().invoke(APP, words, standalone_mode=False).exception, GlioscopeError)
    told = CliRunner().invoke(APP, [*words, "--resample"], standalone_mode=False)
    assert json.loads(told.stdout)["studies"]["prediction"]["all"]["overall"]["dice_positive"]["mean"] == 1.0


def test_what_cannot_be_compared_leaves_no_folder(tmp_path: Path) -> None:
    """Garbage at a shell left an empty OUT behind."""
    after = str(save(tmp_path / "a.nii.gz", nested()))
    (tmp_path / "text.nii.gz").write_text("no image")
    text, out = str(tmp_path / "text.nii.gz"), tmp_path / "out"
    words = ["surgery", after, "--scheme", "brats-2023", "-o", str(out)]
    for more in (["--pre", text], ["--t1n", text, "--t1c", text], ["--probability", text]):
        assert isinstance(CliRunner().invoke(APP, [*words, *more]).exception, GlioscopeError)
    (tmp_path / "c.csv").write_text("id,reference,prediction\np,a.nii.gz,text.nii.gz\n")
    told = CliRunner().invoke(APP, ["study", str(tmp_path / "c.csv"), "--scheme", "brats-2023", "-o", str(out)])
    assert isinstance(told.exception, GlioscopeError)
    assert not out.exists()


def test_a_probability_map_of_another_grid_is_refused(tmp_path: Path) -> None:
    """It was counted, whatever it was of."""
    after = str(save(tmp_path / "a.nii.gz", nested()))
    other = str(save(tmp_path / "p.nii.gz", np.ones((5, 5, 5), np.float32)))
    told = CliRunner().invoke(APP, ["surgery", after, "--scheme", "brats-2023", "--probability", other])
    assert "'p.nii.gz' lies on another grid than 'a.nii.gz'" in str(told.exception)
