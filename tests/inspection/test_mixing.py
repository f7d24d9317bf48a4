"""Images of two cases are never made one exam: each is an exam of its own, or the folder is refused."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glioscope.core import AmbiguousExam, read_volume
from glioscope.inspection import inspect_path
from glioscope.inspection.owners import read_owner
from tests.dicom_factory import STYLES, oblique_affine, phantom, write_series
from tests.inspection.exams import write

SYN = "SYN-GLI-0000{0}-000"


def _found(folder: Path, *stems: str) -> dict[str, set[str]]:
    """Name of each exam -> files chosen; a refusal under its class."""
    write(folder, *(f"{stem}.nii.gz" for stem in stems))
    found = inspect_path(folder, workdir=folder.parent / "work")
    return {
        type(i.problem).__name__ if i.problem else i.name: {c.name.removesuffix(".nii.gz") for c in i.chosen.values()}
        for i in found
    }


@pytest.mark.parametrize(
    ("stems", "exams"),
    [
        # `glioscope synthesize OUT --exams 2 --missing 0.6`, then `glioscope inspect OUT`: read as one exam once
        ([f"{SYN.format(0)}/{SYN.format(0)}-t1n", f"{SYN.format(1)}/{SYN.format(1)}-t2f"], 2),
        ([f"{SYN.format(0)}-t1n", f"{SYN.format(0)}-seg", f"{SYN.format(1)}-t2f"], 2),
        ([f"{SYN.format(0)}-t1n", f"{SYN.format(1)}-t2f", f"{SYN.format(1)}-t2w"], 2),
        (["anna/anna_t1", "bob/bob_flair"], 2),
        (["p1/t1", "p1/t2", "p2/flair"], 2),
        (["p1_t1", "p1_t2", "p2_flair"], 2),
        (["mask", "p2/flair", "p3/t2", "p3/t1"], 2),
        (["sub-01/sub-01_t1", "sub-02/sub-02_flair"], 2),
        (["T1/Case01_T1", "T1/Case02_T1", "FLAIR/Case02_FLAIR"], 2),
        (["ses-1/t1", "ses-2/flair"], 2),
        (["pre/t1", "pre/flair", "post/t1"], 2),
        (["sub-01/ses-1/anat/sub-01_T1w", "sub-01/ses-2/anat/sub-01_FLAIR"], 2),
        (["siteA/sub-01/anat/sub-01_T1w", "siteB/sub-01/anat/sub-01_FLAIR"], 2),
    ],
)
def test_two_cases_with_disjoint_sequences_are_two_exams(tmp_path: Path, stems: list[str], exams: int) -> None:
    found = _found(tmp_path / "root", *stems)

    assert len(found) == exams and "AmbiguousExam" not in found
    assert sum(map(len, found.values())) == len([stem for stem in stems if not stem.endswith(("seg", "mask"))])


@pytest.mark.parametrize(
    "stems",
    [
        ["p1/t1", "p2/flair"],
        ["1/t1", "2/flair"],
        ["2019/pat_01_t1", "2020/pat_01_flair"],
        [f"{SYN.format(0)}-t1n", f"{SYN.format(1)}-t2f"],
        ["2019_t1", "2020_flair"],
        ["anna_t1", "bob_flair"],
        ["Case01T1", "Case02FLAIR"],
        ["Case01_T1_post", "Case02_FLAIR"],
        ["t1_sub001", "flair_sub002"],
        ["T1/smith", "FLAIR/jones"],
        ["T1/sub001", "FLAIR/sub002"],
        ["sub001", "sub002"],
        ["t1", "p2/flair"],
    ],
)
def test_what_may_be_two_cases_is_refused_until_it_is_named(tmp_path: Path, stems: list[str]) -> None:
    assert list(_found(tmp_path / "root", *stems)) == ["AmbiguousExam"]
    (found,) = inspect_path(tmp_path / "root", workdir=tmp_path, exam_id="one")
    assert not isinstance(found.problem, AmbiguousExam) or "cannot be told which sequence" in str(found.problem)


@pytest.mark.parametrize(
    "stems",
    [
        ["T1/a", "T1_post/a", "T2/a", "FLAIR/a"],
        ["T1_mprage/a", "T1_post/a", "FLAIR_7/b/a"],
        ["5_T1_MPRAGE", "7_FLAIR", "9_T2"],
        ["TCGA-06-0125_5_T1", "TCGA-06-0125_13_FLAIR"],
        ["5/pat_01_t1", "7/pat_01_flair"],
        ["WIP_sT1W_3D_TFE_CS_301", "eT2W_TSE_ax_401", "DelRec_-_FLAIR_3D_501"],
        ["T1_AX_SE_10_se2d1", "MRHR_T2_AX_SE_2_tse2d1_11", "MRHR_FLAIR_AX_SE_IR_5_tir2d1_21"],
        ["t1_TE15_TR500", "flair_TE120_TR9000"],
        ["t1", "anat/flair"],
        ["T1/sub-01_T1w", "FLAIR/sub-01_FLAIR"],
    ],
)
def test_one_exam_over_several_folders_or_series_numbers_is_one(tmp_path: Path, stems: list[str]) -> None:
    (files,) = _found(tmp_path / "root", *stems).values()
    assert len(files) == len(stems)


def test_a_table_says_that_a_folder_is_one_exam(tmp_path: Path) -> None:
    write(tmp_path / "x", "a/t1.nii.gz", "b/flair.nii.gz")
    (tmp_path / "exams.csv").write_text("id,path\np1,x\n")

    (found,) = inspect_path(tmp_path / "exams.csv", workdir=tmp_path / "w")

    assert found.problem is None and len(found.chosen) == 2


@pytest.mark.parametrize("key", ["PatientID", "StudyInstanceUID"])
def test_sidecars_of_two_patients_are_refused_without_naming_them(tmp_path: Path, key: str) -> None:
    write(tmp_path / "x", "t1.nii.gz", "flair.nii.gz")
    for name in ("t1", "flair"):
        (tmp_path / f"x/{name}.json").write_text(json.dumps({key: f"secret-{name}"}))

    (found,) = inspect_path(tmp_path / "x", workdir=tmp_path)

    assert isinstance(found.problem, AmbiguousExam) and "secret" not in json.dumps(found.document())


def test_archives_of_one_name_are_not_mixed(tmp_path: Path) -> None:
    """The second session's archive once took the place of the first one's files."""
    write(tmp_path, "s1/flair.nii.gz", "s2/flair.nii.gz")
    for folder in ("s1", "s2"):
        with zipfile.ZipFile(tmp_path / folder / "exam.zip", "w") as bundle:
            bundle.write(tmp_path / folder / "flair.nii.gz", "flair.nii.gz")
    (tmp_path / "t.csv").write_text("id,session,path\np,1,s1/exam.zip\np,2,s2/exam.zip\n")

    first, second = inspect_path(tmp_path / "t.csv", workdir=tmp_path / "w")

    for found, folder in ((first, "s1"), (second, "s2")):
        (chosen,) = found.chosen.values()
        assert (read_volume(chosen.files[0]).data == read_volume(tmp_path / folder / "flair.nii.gz").data).all()


def test_dicom_series_of_one_study_in_folders_are_one_exam_and_two_patients_never(tmp_path: Path) -> None:
    for where, patients in (("one", "AA"), ("two", "AB")):
        for number, (style, patient) in enumerate(zip(("t1n", "t2f"), patients, strict=True)):
            folder = tmp_path / where / f"series{number}"
            write_series(folder, phantom(), oblique_affine(), STYLES[style], series=number, patient=patient)

    assert [len(i.chosen) for i in inspect_path(tmp_path / "one", workdir=tmp_path)] == [2]
    assert [len(i.chosen) for i in inspect_path(tmp_path / "two", workdir=tmp_path)] == [1, 1]


@given(st.from_regex(r"[A-Z][a-z]{2,6}-[0-9]{3,6}", fullmatch=True), st.sampled_from(["t1n", "T1_post", "t2f", "flair", "seg"]))
def test_the_case_before_a_sequence_is_read_whatever_the_separator(case: str, word: str) -> None:
    assert {read_owner(f"{case}{sep}{word}").case for sep in "_-."} == {case.replace("-", "_")}


def test_a_case_is_read_by_hand() -> None:
    assert read_owner("BraTS2021_00006_t1ce").case == "BraTS2021_00006"
    assert read_owner("Case01T1Post").case == "Case01"
    assert read_owner("AX_T1_POST_12") == read_owner("T1_12")
    assert (read_owner("t1_sub001").case, read_owner("t1_sub001").rest) == ("", "sub001")
    assert read_owner("scan01").rest == "01"
