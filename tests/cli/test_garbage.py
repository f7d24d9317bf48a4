"""What nobody can mean: one sentence and an exit code of its own, at once; each case was a fault, endless or taken for good."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glioscope.cli.main import _guarded as cli
from glioscope.core import Volume, write_volume
from tests.training.tiny_cohort import write_tiny_exam


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["demo", "out", "--seed", "-1"], 2, "--seed"),
        (["surgery", "a.nii.gz", "--scheme", "brats-2023", "--cut", "inf"], 6, "must be above 0 ml, not inf"),
        (["postprocess", "a.nii.gz", "-o", "out.nii.gz", "--undo", "deep.json"], 3, "cannot be read as the record"),
        (["evaluate", "long.csv"], 3, "name too long"),
        (["segment", "exam", "out", "--atlas", "Atlantis"], 8, "There is no atlas 'Atlantis'"),
    ],
)
def test_it_costs_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    data = np.zeros((12, 14, 10), np.uint8)
    data[3:8, 3:8, 3:8] = 3
    write_volume(tmp_path / "a.nii.gz", Volume.of(data, np.diag([2.0, 2, 3, 1])))
    write_tiny_exam(tmp_path, "exam", 0)
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "long.csv").write_text(f"id,reference,prediction\np,{'x' * 300}.nii.gz,a.nii.gz\n")

    found = cli(arguments)

    told = capfd.readouterr()
    assert (found, sentence in told.out + told.err) == (code, True), told
    assert "Traceback" not in told.out + told.err
    assert not (tmp_path / "out" / "sub-exam").exists()
