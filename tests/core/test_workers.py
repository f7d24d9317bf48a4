"""Processes that joblib keeps for later calls work in the folder of the call."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glioscope.core import Volume, write_volume
from glioscope.workflows.evaluate import evaluate
from glioscope.workflows.processes import in_processes


def text_of(path: Path) -> str:
    return path.read_text()


def test_relative_paths_are_of_the_working_folder_of_the_call_regression(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After `os.chdir` between two calls the second one read the files of the first one's folder, or found none."""
    for word in ("first", "second"):
        (tmp_path / word).mkdir()
        monkeypatch.chdir(tmp_path / word)
        for name in ("a.txt", "b.txt"):
            Path(name).write_text(f"{word} {name}")
        assert list(in_processes(text_of, [Path("a.txt"), Path("b.txt")], 2)) == [f"{word} a.txt", f"{word} b.txt"]


def test_evaluate_scores_the_files_of_the_working_folder_regression(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mask = np.zeros((8, 8, 8), np.uint8)
    mask[2:4, 2:4, 2:4] = 1
    for word, found in (("first", mask), ("second", np.zeros_like(mask))):
        monkeypatch.chdir(tmp_path)
        for name in ("p1", "p2"):
            write_volume(tmp_path / word / "ref" / f"{name}.nii.gz", Volume.of(mask, np.eye(4)))
            write_volume(tmp_path / word / "pred" / f"{name}.nii.gz", Volume.of(found, np.eye(4)))
        monkeypatch.chdir(tmp_path / word)
        scored = evaluate("pred", "ref", protocol="brats-2023-gli", jobs=2)
        assert [case.regions["WT"].values["dice"] for case in scored.cases] == [float(word == "first")] * 2
