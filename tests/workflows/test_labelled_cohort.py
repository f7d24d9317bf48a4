"""Exams to learn from, as they are found."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from glioscope.core import AmbiguousExam, InputUnreadable
from glioscope.workflows.labelled_cohort import labelled_cohort, patient_of
from tests.training.tiny_cohort import SEQUENCES, write_tiny_cohort, write_tiny_exam


@pytest.mark.parametrize(
    ("name", "patient"),
    [
        ("BraTS-GLI-00046-101", "BraTS-GLI-00046"),
        ("BraTS-GLI-00046-100-t1c", "BraTS-GLI-00046"),
        ("BraTS-MEN-RT-0012-1", None),
        ("UCSF-PDGM-0004_FU001d", "UCSF-PDGM-0004"),
        ("BraTS2021_00006", None),
        ("Brats18_2013_21_1", None),
    ],
)
def test_patients_by_name(name: str, patient: str | None) -> None:
    assert patient_of(name) == patient


def test_a_folder_of_cases(tmp_path: Path) -> None:
    cohort = write_tiny_cohort(tmp_path / "cohort", 2)
    write_tiny_exam(cohort, "BraTS-GLI-00001-001", 9)
    without = write_tiny_exam(cohort, "BraTS-GLI-00007-000", 8)
    (without / "BraTS-GLI-00007-000-seg.nii.gz").unlink()
    told: list[str] = []
    exams = labelled_cohort(cohort, tmp_path, told=told.append)
    assert [exam.name for exam in exams] == ["BraTSGLI00000000", "BraTSGLI00001000", "BraTSGLI00001001"]
    assert [exam.patient for exam in exams] == ["BraTS-GLI-00000", "BraTS-GLI-00001", "BraTS-GLI-00001"]
    assert exams[0].labels == cohort / "BraTS-GLI-00000-000" / "BraTS-GLI-00000-000-seg.nii.gz"
    assert sorted(exams[0].images) == sorted(SEQUENCES)
    assert told == ["Exam 'BraTSGLI00007000' is left out: it has no label map."]


def test_a_manifest_with_sites_patients_and_the_earlier_exam(tmp_path: Path) -> None:
    cohort = write_tiny_cohort(tmp_path / "cohort", 2)
    rows = []
    for n, folder in enumerate(sorted(cohort.iterdir())):
        files = {s: f"cohort/{folder.name}/{folder.name}-{s}.nii.gz" for s in ("t1c", "t1n")}
        labels = f"cohort/{folder.name}/{folder.name}-seg.nii.gz"
        more = {"site": f"S{n}", "patient": "same", "labels": labels, "pre-t1c": files["t1c"], "pre_mask": labels}
        rows.append({"id": f"exam {n}", **files, **more})
    table = tmp_path / "cohort.csv"
    with table.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    exams = labelled_cohort(table, tmp_path)
    assert [(exam.name, exam.site, exam.patient) for exam in exams] == [("exam0", "S0", "same"), ("exam1", "S1", "same")]
    assert sorted(exams[0].images) == ["pre-mask", "pre-t1c", "t1c", "t1n"]
    table.write_text(table.read_text().replace("-seg.nii.gz,cohort", "-sag.nii.gz,cohort"))
    with pytest.raises(InputUnreadable, match="which does not exist beside it"):
        labelled_cohort(table, tmp_path)


def test_a_manifest_marks_exams_that_are_only_learnt_from(tmp_path: Path) -> None:
    cohort = write_tiny_cohort(tmp_path / "cohort", 2)
    table = tmp_path / "cohort.csv"
    lines = ["id,t1c,labels,train_only"]
    for folder, word in zip(sorted(cohort.iterdir()), ("Yes", ""), strict=False):
        lines.append(
            f"{folder.name},cohort/{folder.name}/{folder.name}-t1c.nii.gz,cohort/{folder.name}/{folder.name}-seg.nii.gz,{word}"
        )
    table.write_text("\n".join(lines))
    assert [exam.train_only for exam in labelled_cohort(table, tmp_path)] == [True, False]
    table.write_text("\n".join(lines).replace("Yes", "perhaps"))
    with pytest.raises(InputUnreadable, match="has 'perhaps' as train_only of 'BraTSGLI00000000'; write yes or no"):
        labelled_cohort(table, tmp_path)


def test_two_sessions_of_a_patient_in_a_manifest_regression(tmp_path: Path) -> None:
    """They were refused as two rows for one exam."""
    (folder,) = write_tiny_cohort(tmp_path / "cohort", 1).iterdir()
    files = f"cohort/{folder.name}/{folder.name}-t1c.nii.gz,cohort/{folder.name}/{folder.name}-seg.nii.gz"
    (tmp_path / "m.csv").write_text(f"id,session,t1c,labels\np,1,{files}\np,2,{files}\n")
    assert [exam.name for exam in labelled_cohort(tmp_path / "m.csv", tmp_path)] == ["p_ses-1", "p_ses-2"]


def test_several_label_maps_and_none(tmp_path: Path) -> None:
    place = write_tiny_exam(tmp_path / "a", "BraTS-GLI-00001-000", 1)
    other = place / "BraTS-GLI-00001-000-mask.nii.gz"
    other.write_bytes((place / "BraTS-GLI-00001-000-seg.nii.gz").read_bytes())
    with pytest.raises(AmbiguousExam, match="has 2 label maps"):
        labelled_cohort(tmp_path / "a", tmp_path)
    without = write_tiny_exam(tmp_path / "b", "BraTS-GLI-00001-000", 1)
    (without / "BraTS-GLI-00001-000-seg.nii.gz").unlink()
    with pytest.raises(InputUnreadable, match=r"holds no prepared exam with a label map\. Exam .* it has no label map"):
        labelled_cohort(tmp_path / "b", tmp_path)
