"""Cohorts of virtual operations: resumed, told apart by patient, and refused where they cannot be made."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from glioscope.core import InputUnreadable, OutputUnwritable, Volume, read_labels, write_volume
from glioscope.core.files import sha256
from glioscope.workflows.labelled_cohort import labelled_cohort
from glioscope.workflows.operate_cohort import MANIFEST, operate_cohort

AFFINE = np.diag([-1.0, -1.0, 1.0, 1.0])


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two exams of a BraTS cohort with T1, contrast T1 and FLAIR, with the dim rim of a brain without its skull."""
    folder = tmp_path_factory.mktemp("cohort")
    x, y, z = np.indices((132, 140, 124)) - np.array([66, 70, 62])[:, None, None, None]
    away = np.sqrt(x**2 + y**2 + z**2)
    brain, dim = away < 60, np.where(away > 54, 0.5, 1)
    labels = np.zeros(brain.shape, np.uint8)
    away = np.sqrt((x - 18) ** 2 + y**2 + z**2)
    labels[away < 16], labels[away < 12], labels[away < 8] = 2, 3, 1
    for number in (1, 2):
        rng, name = np.random.default_rng(number), f"BraTS-GLI-0000{number}-000"
        for sequence in ("t1n", "t1c", "t2f"):
            image = np.where(brain, dim * (100 + 30 * (labels > 0) + rng.normal(0, 3, brain.shape)), 0).astype(np.float32)
            write_volume(folder / name / f"{name}-{sequence}.nii.gz", Volume.of(image, AFFINE))
        write_volume(folder / name / f"{name}-seg.nii.gz", Volume.of(np.where(brain, labels, 0).astype(np.uint8), AFFINE))
    return folder


def test_a_cohort_goes_on_and_keeps_the_operations_of_a_patient_together(cohort: Path, tmp_path: Path) -> None:
    made = operate_cohort(cohort, tmp_path / "out", exams=3, seed=4, residual=(0.1, 0.4))
    assert made.made == 3
    rows = list(csv.DictReader((tmp_path / "out" / MANIFEST).open()))
    assert [row["patient"] for row in rows] == ["BraTS-GLI-00001", "BraTS-GLI-00002", "BraTS-GLI-00001"]
    assert rows[0]["t2w"] == ""
    known = labelled_cohort(tmp_path / "out" / MANIFEST, tmp_path)
    assert [exam.patient for exam in known] == [row["patient"] for row in sorted(rows, key=lambda row: row["id"])]
    residuals = [(read_labels(exam.labels).data == 3).sum() / 1000 for exam in known]
    assert all(0.02 < ml < 0.6 for ml in residuals)

    lost = made.exams[1] / f"{made.exams[1].name}-t1c.nii.gz"
    before = {file.name: sha256(file) for folder in made.exams for file in folder.iterdir()}
    lost.unlink()
    assert operate_cohort(cohort, tmp_path / "out", exams=3, seed=4, residual=(0.1, 0.4)).made == 1
    assert {file.name: sha256(file) for folder in made.exams for file in folder.iterdir()} == before


def test_another_cohort_is_not_mixed_in(cohort: Path, tmp_path: Path) -> None:
    operate_cohort(cohort, tmp_path / "out", exams=1)
    with pytest.raises(OutputUnwritable, match="other settings"):
        operate_cohort(cohort, tmp_path / "out", exams=1, residual=(0, 1))


@pytest.mark.parametrize("residual", [(1, 0), (-1, 2), (0, float("nan")), (0, float("inf"))])
def test_what_is_no_range_is_refused_before_anything_is_written(
    residual: tuple[float, float], cohort: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputUnreadable, match="from one volume to a larger one"):
        operate_cohort(cohort, tmp_path / "out", residual=residual)
    assert not (tmp_path / "out").exists()


def test_exams_without_label_maps_are_no_cohort(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(InputUnreadable):
        operate_cohort(tmp_path / "in", tmp_path / "out")
