"""Issue 2: a cohort gives one result an exam, goes on past a bad one, and says so with its exit code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import glioscope
from glioscope.cli.main import _guarded as cli
from glioscope.core import Record, Step, read_header
from glioscope.workflows.progress import Progress


def test_a_bad_exam_does_not_harm_the_others(brats_exam: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    cohort, out = tmp_path / "cohort", tmp_path / "out"
    shutil.copytree(brats_exam, cohort / "good")
    (cohort / "bad").mkdir()
    flair = next(brats_exam.glob("*flair*"))
    (cohort / "bad" / "x_flair.nii.gz").write_bytes(flair.read_bytes()[:100_000])
    shutil.copy(next(brats_exam.glob("*_t1.nii.gz")), cohort / "bad" / "x_t1.nii.gz")

    code = cli(["run", str(cohort), str(out), "--json", "--segmenter", "flair-threshold"])

    document = json.loads(capfd.readouterr().out)
    status = {exam["exam"]: exam["status"] for exam in document["exams"]}
    assert code == 10
    assert status == {"sub-bad": "failed", "sub-good": "done"}
    assert not (out / "sub-bad").exists()
    (good,) = [exam for exam in document["exams"] if exam["status"] == "done"]
    assert {"WT"} <= good["volumes_ml"].keys()
    assert read_header(Path(good["files"]["labels"])).grid.same_as(read_header(flair).grid)
    for name in ("report_html", "report_pdf", "measurements", "quality", "provenance"):
        assert Path(good["files"][name]).stat().st_size > 100
    assert (out / "measurements.csv").read_text().count("\n") == 2


def test_reports_are_made_again_from_the_output_alone(brats_exam: Path, tmp_path: Path) -> None:
    exam, out = tmp_path / "exam", tmp_path / "out"
    shutil.copytree(brats_exam, exam)
    assert cli(["run", str(exam), str(out), "--json", "--segmenter", "flair-threshold"]) == 0
    report = next(out.glob("sub-*/report/report.html"))
    first = report.read_bytes()
    shutil.rmtree(exam)
    report.unlink()

    assert cli(["report", str(out), "--json"]) == 0
    assert report.read_bytes() == first


def test_report_on_a_folder_without_results(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli(["report", str(tmp_path)]) == 3
    assert "holds no results" in capfd.readouterr().err


class _Told(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def exam_started(self, name: str, number: int, total: int) -> None:
        self.lines.append(f"{name} {number}/{total}")

    def step_done(self, step: Step, record: Record) -> None:
        self.lines.append(f"{step.name} {'again' if record.reused else 'done'}")


def test_exams_in_processes_of_their_own_give_the_same_bytes_and_tell_the_same(brats_exam: Path, tmp_path: Path) -> None:
    """Issue 4: a cohort is segmented in parallel workers."""
    cohort = tmp_path / "cohort"
    for name in ("a", "b"):
        shutil.copytree(brats_exam, cohort / name)
    told = {}
    for jobs in (1, 2):
        told[jobs] = _Told()
        outcomes = glioscope.segment(cohort, tmp_path / str(jobs), segmenter="flair-threshold", jobs=jobs, progress=told[jobs])
        assert [exam.error for exam in outcomes.exams] == [None, None]

    assert told[1].lines == told[2].lines
    assert "sub-b 2/2" in told[2].lines
    for label_map in (tmp_path / "1").glob("sub-*/anat/*dseg.nii.gz"):
        twin = tmp_path / "2" / label_map.relative_to(tmp_path / "1")
        assert twin.read_bytes() == label_map.read_bytes()
