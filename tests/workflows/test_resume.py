"""Issue 2, item 8: kill it at any moment and run again: the same bytes as an uninterrupted run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import glioscope
from tests.workflows.trees import fingerprint


def _start(exam: Path, out: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "glioscope", "run", str(exam), str(out), "--json"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _kill_after(process: subprocess.Popen[bytes], seconds: float) -> None:
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _killed_and_continued(exam: Path, whole: Path, broken: Path, moments: list[float]) -> None:
    glioscope.run(exam, whole).check()
    for moment in moments:
        _kill_after(_start(exam, broken), moment)
        parts = [p for p in broken.rglob("*.nii.gz") if not p.name.startswith(".")]
        for path in parts:  # whatever is there under its final name is whole
            assert fingerprint(whole)[str(path.relative_to(broken))] == fingerprint(broken)[str(path.relative_to(broken))]
    glioscope.run(exam, broken).check()
    assert fingerprint(broken) == fingerprint(whole)


def test_a_killed_run_of_a_prepared_exam_continues_to_the_same_bytes(brats_exam: Path, tmp_path: Path) -> None:
    _killed_and_continued(brats_exam, tmp_path / "whole", tmp_path / "broken", [1.5, 3.0, 4.5])


@pytest.mark.slow
def test_a_killed_run_of_the_raw_exam_continues_to_the_same_bytes(test_data: Path, tmp_path: Path) -> None:
    exam = test_data / "exams" / "raw" / "TCGA-FG-6692"
    _killed_and_continued(exam, tmp_path / "whole", tmp_path / "broken", [4.0, 9.0, 14.0, 20.0])


def test_a_repeated_run_does_nothing(brats_exam: Path, tmp_path: Path) -> None:
    glioscope.run(brats_exam, tmp_path).check()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*dseg.nii.gz")}
    outcomes = glioscope.run(brats_exam, tmp_path)

    assert outcomes.exams[0].unchanged
    assert before
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*dseg.nii.gz")} == before


def test_the_number_of_processes_changes_no_byte(brats_exam: Path, tmp_path: Path) -> None:
    glioscope.run(brats_exam, tmp_path / "one", jobs=1).check()
    glioscope.run(brats_exam, tmp_path / "two", jobs=2).check()
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two")
