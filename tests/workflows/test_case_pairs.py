from __future__ import annotations

from pathlib import Path

import pytest

from glioscope.core import AmbiguousExam, InputUnreadable
from glioscope.workflows.case_pairs import case_id, find_pairs


def _touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("BraTS-GLI-00001-000-seg.nii.gz", "BraTS-GLI-00001-000"),
        ("team_BraTS-MEN-RT-0001-1_gtv.nii.gz", "BraTS-MEN-RT-0001-1"),
        ("BraTS2021_01659_seg.nii.gz", "BraTS2021_01659"),
        ("Brats18_2013_21_1_seg.nii", "Brats18_2013_21_1"),
        ("sub-P01_ses-2_space-orig_seg-fused_dseg.nii.gz", "sub-P01_ses-2"),
        ("sub-P01_dseg.nii.gz", "sub-P01"),
        ("case00_pred.nrrd", "case00"),
        ("patient 7.mha", "patient 7"),
        ("BraTS-GLI-1/seg.nii.gz", "BraTS-GLI-1"),
        ("Patient_7/prediction.nii.gz", "Patient_7"),
        ("segmentation.nii.gz", "segmentation"),
    ],
)
def test_names_of_cases(name: str, case: str) -> None:
    root = Path("root")
    assert case_id(root / name, root) == case


def test_folders_are_matched_by_case_whatever_the_convention(tmp_path: Path) -> None:
    predictions = _touch(tmp_path / "p", "sub-BraTSGLI00001000/anat/sub-BraTSGLI00001000_seg-auto_dseg.nii.gz", "p2.nii.gz")
    references = _touch(
        tmp_path / "r",
        "BraTS-GLI-00001-000/BraTS-GLI-00001-000-seg.nii.gz",
        "BraTS-GLI-00001-000/BraTS-GLI-00001-000-t1c.nii.gz",
        "BraTS-GLI-00001-000/BraTS-GLI-00001-000-t2f.nii.gz",
        "p2_seg.nii.gz",
    )
    found = {pair.id: pair.prediction and pair.prediction.name for pair in find_pairs(predictions, references).cases}
    assert found == {"BraTS-GLI-00001-000": "sub-BraTSGLI00001000_seg-auto_dseg.nii.gz", "p2": "p2.nii.gz"}


def test_unmatched_files_are_named_and_refused_unless_allowed(tmp_path: Path) -> None:
    predictions = _touch(tmp_path / "p", "a.nii.gz", "extra.nii.gz")
    references = _touch(tmp_path / "r", "a_seg.nii.gz", "b_seg.nii.gz")

    with pytest.raises(InputUnreadable, match=r"no prediction for 'b' and no reference for 'extra'.*--allow-missing"):
        find_pairs(predictions, references)
    pairs = find_pairs(predictions, references, allow_missing=True)
    assert [(pair.id, pair.prediction is None) for pair in pairs.cases] == [("a", False), ("b", True)]
    assert [path.name for path in pairs.left_out] == ["extra.nii.gz"]


def test_nothing_in_common_is_refused_even_when_missing_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(InputUnreadable, match=r"'x'.*'y'"):
        find_pairs(_touch(tmp_path / "p", "x.nii"), _touch(tmp_path / "r", "y.nii"), allow_missing=True)


def test_two_maps_of_one_case_ask_for_a_pattern(tmp_path: Path) -> None:
    predictions = _touch(tmp_path / "p", "sub-1_seg-a_dseg.nii.gz", "sub-1_seg-b_dseg.nii.gz")
    references = _touch(tmp_path / "r", "sub-1_dseg.nii.gz")

    with pytest.raises(AmbiguousExam, match="--pred-files"):
        find_pairs(predictions, references)
    (pair,) = find_pairs(predictions, references, prediction_files="*seg-b*").cases
    assert pair.prediction is not None and pair.prediction.name == "sub-1_seg-b_dseg.nii.gz"


def test_a_pattern_with_a_slash_is_a_path_from_the_folder(tmp_path: Path) -> None:
    folder = _touch(tmp_path / "p", "c1/c1_seg.nii", "c1/labels/c1_seg.nii", "c2/c2_seg.nii")

    (first, second) = find_pairs(folder, folder, prediction_files="*/*_seg.nii", reference_files="*/*_seg.nii").cases
    assert (first.reference, second.reference) == (folder / "c1/c1_seg.nii", folder / "c2/c2_seg.nii")
    for pattern in ("/*/absolute", "**x/y"):
        with pytest.raises(InputUnreadable, match="not a pattern"):
            find_pairs(folder, folder, prediction_files=pattern)


def test_names_that_differ_only_in_punctuation_twice_are_not_guessed(tmp_path: Path) -> None:
    predictions = _touch(tmp_path / "p", "sub-c11.nii")
    references = _touch(tmp_path / "r", "c1_1.nii", "c_11.nii")
    with pytest.raises(InputUnreadable):
        find_pairs(predictions, references)


def test_a_table(tmp_path: Path) -> None:
    table = tmp_path / "cases.csv"
    table.write_text("\ufeffID;Prediction;Reference;Fold\na;p/a.nii;r/a.nii;1\nb;;r/b.nii;\n")

    with pytest.raises(InputUnreadable, match="no prediction for 'b'"):
        find_pairs(table)
    first, second = find_pairs(table, allow_missing=True).cases
    assert (first.prediction, first.reference, first.facts) == (tmp_path / "p/a.nii", tmp_path / "r/a.nii", {"fold": "1"})
    assert second.prediction is None and second.facts == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no rows"),
        ("id,prediction,reference\n", "no rows"),
        ("name,prediction,reference\na,b,c\n", "no column 'id'"),
        ("id,reference\na,b\n", "no column 'prediction'"),
        ("id,prediction,reference\n,b,c\n", "no id in row 2"),
        ("id,prediction,reference\na,b,c\na,b,c\n", "two rows for 'a'"),
        ("id,prediction,reference\na,b,\n", "no reference for 'a'"),
        ('id,prediction,reference\n"a,b,c\n', "not a usable table"),
    ],
)
def test_bad_tables_are_told_in_a_sentence(tmp_path: Path, text: str, told: str) -> None:
    table = tmp_path / "cases.csv"
    table.write_text(text)
    with pytest.raises(InputUnreadable, match=told):
        find_pairs(table)


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    file = _touch(tmp_path, "a.nii").joinpath("a.nii")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x81")
    (tmp_path / "none").mkdir()
    for prediction, reference, told in (
        (tmp_path / "absent", file, "does not exist"),
        (file, None, "nothing to compare"),
        (tmp_path, file, "two files or two folders"),
        (tmp_path / "none", tmp_path, "no label map"),
        (tmp_path / "binary.csv", None, "not a usable table"),
    ):
        with pytest.raises(InputUnreadable, match=told):
            find_pairs(prediction, reference)
