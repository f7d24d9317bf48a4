from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from glioscope.core import AmbiguousExam, InputUnreadable, Sequence, write_volume
from glioscope.inspection import inspect_path
from tests.inspection.exams import brain, head, one, write

NAMES = ("t1", "t1ce", "t2", "flair")
FOUR = ("t1.nii.gz", "t1ce.nii.gz", "t2.nii.gz", "flair.nii.gz")


def test_files_in_folders_named_for_their_sequence_are_one_exam(tmp_path: Path) -> None:
    write(tmp_path / "ex", "T1/a.nii.gz", "T1_post/a.nii.gz", "T2/a.nii.gz", "FLAIR/a.nii.gz", "seg/x.nii.gz")

    found = one(tmp_path / "ex", tmp_path)

    assert {s.value: c.name for s, c in found.chosen.items()} == {
        "t1n": "T1/a.nii.gz",
        "t1c": "T1_post/a.nii.gz",
        "t2w": "T2/a.nii.gz",
        "t2f": "FLAIR/a.nii.gz",
    }
    assert found.id == "ex" and not found.prepared and found.source == "images" and found.reference is Sequence.T1C
    assert [c.set_aside for c in found.candidates if c.name == "seg/x.nii.gz"] == ["segmentation or mask"]
    found.resolved()


def test_sequences_repeated_in_sub_folders_are_a_cohort(tmp_path: Path) -> None:
    write(tmp_path / "c", *(f"{who}/{name}" for who in ("p-1", "p_1", "q") for name in FOUR))

    found = inspect_path(tmp_path / "c", workdir=tmp_path)

    assert [i.id[:2] for i in found] == ["p1", "p1", "q"]
    assert len({i.name for i in found}) == 3
    assert all(len(i.chosen) == 4 for i in found)


def test_folders_within_a_cohort_are_sessions(tmp_path: Path) -> None:
    write(tmp_path / "c", *(f"{who}/{when}/{name}" for who in ("p1", "p2") for when in ("2019", "2020") for name in FOUR[:2]))

    found = inspect_path(tmp_path / "c", workdir=tmp_path)

    assert [i.name for i in found] == ["sub-p1_ses-2019", "sub-p1_ses-2020", "sub-p2_ses-2019", "sub-p2_ses-2020"]


@pytest.mark.parametrize("pattern", ["BraTS2021_00006_{}", "BraTS-GLI-00001-000-{}", "BraTS.00.{}"])
def test_a_brats_case_is_prepared(tmp_path: Path, pattern: str) -> None:
    names = ("t1n", "t1c", "t2w", "t2f") if "GLI" in pattern else ("t1", "t1ce", "t2", "flair")
    write(tmp_path / "case", *(f"{pattern.format(n)}.nii.gz" for n in (*names, "seg")), volume=brain())

    found = one(tmp_path / "case", tmp_path)

    assert found.prepared and found.source == "brats" and len(found.chosen) == 4


def test_cases_in_one_folder_are_told_apart(tmp_path: Path) -> None:
    write(tmp_path / "flat", *(f"Case_{n}_{s}" for n in ("001", "002") for s in FOUR))

    assert [i.id for i in inspect_path(tmp_path / "flat", workdir=tmp_path)] == ["Case001", "Case002"]


def test_a_raw_exam_is_not_prepared_whatever_its_names(tmp_path: Path) -> None:
    write(tmp_path / "raw", *(f"BraTS2021_00006_{name}" for name in FOUR))

    found = one(tmp_path / "raw", tmp_path)

    assert not found.prepared and found.source == "images"


def test_bids_subjects_and_sessions(tmp_path: Path) -> None:
    root = tmp_path / "ds"
    stems = ("T1w", "ce-gadolinium_T1w", "T2w", "FLAIR")
    write(root, *(f"sub-01/ses-a/anat/sub-01_ses-a_{stem}.nii.gz" for stem in stems))
    write(root, "sub-01/ses-a/dwi/sub-01_ses-a_dwi.nii.gz", "derivatives/x/sub-09_T1w.nii.gz")
    write(root, "sub-02/anat/sub-02_T1w.nii.gz", "sub-02/anat/sub-02_T2w.nii.gz")
    (root / "dataset_description.json").write_text("{}")

    first, second = inspect_path(root, workdir=tmp_path)

    assert (first.name, second.name) == ("sub-01_ses-a", "sub-02")
    assert len(first.chosen) == 4 and first.source == "bids"
    assert second.missing == (Sequence.T1C, Sequence.T2F)
    assert one(root / "sub-01", tmp_path).name == "sub-01_ses-a"
    assert one(root / "sub-01" / "ses-a", tmp_path).name == "sub-01_ses-a"


def test_a_sidecar_tells_what_the_name_does_not(tmp_path: Path) -> None:
    write(tmp_path / "x", "a.nii.gz", "b.nii.gz")
    timing = {"Modality": "MR", "ScanningSequence": "SE", "RepetitionTime": 0.5, "EchoTime": 0.01, "PatientName": "Secret"}
    (tmp_path / "x/a.json").write_text(json.dumps(timing))
    (tmp_path / "x/b.json").write_text(json.dumps({"SeriesDescription": "AX T2 FLAIR Secret"}))

    found = one(tmp_path / "x", tmp_path)

    assert {s: c.name for s, c in found.chosen.items()} == {Sequence.T1N: "a.nii.gz", Sequence.T2F: "b.nii.gz"}
    assert "Secret" not in json.dumps(found.document())


def test_two_candidates_are_listed_and_one_can_be_given(tmp_path: Path) -> None:
    write(tmp_path / "x", "t1c_a.nii.gz", "t1c_b.nii.gz", "flair.nii.gz")
    found = one(tmp_path / "x", tmp_path)

    with pytest.raises(AmbiguousExam, match=r"'t1c_a.nii.gz', 't1c_b.nii.gz'\); give one with --t1c FILE"):
        found.resolved()
    (given,) = inspect_path(tmp_path / "x", workdir=tmp_path, overrides={Sequence.T1C: tmp_path / "x/t1c_b.nii.gz"})
    given.resolved()
    assert given.chosen[Sequence.T1C].name == "t1c_b.nii.gz"
    assert [c.set_aside for c in given.candidates if c.name == "t1c_a.nii.gz"] == ["t1c_b.nii.gz was given instead"]


def test_a_file_given_suffices(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write(tmp_path, "elsewhere.nii.gz")

    (found,) = inspect_path(
        tmp_path / "empty", workdir=tmp_path, overrides={Sequence.T2F: tmp_path / "elsewhere.nii.gz"}, exam_id="sub-X 1"
    )

    assert found.id == "X1" and list(found.chosen) == [Sequence.T2F] and found.problem is None


def test_an_identical_copy_and_a_thick_twin_give_way(tmp_path: Path) -> None:
    write_volume(tmp_path / "t1c_a.nii.gz", head(1, (150, 150, 150), 1.0))
    write_volume(tmp_path / "t1c_b.nii", head(1, (150, 150, 150), 1.0))
    write(tmp_path, "t1c_thick.nii.gz", volume=head(2, (24, 24, 24), 6.0))

    found = one(tmp_path, tmp_path)

    assert found.chosen[Sequence.T1C].name == "t1c_a.nii.gz"
    assert {c.name: c.set_aside for c in found.candidates if c.set_aside} == {
        "t1c_b.nii": "duplicate of t1c_a.nii.gz",
        "t1c_thick.nii.gz": "thick slices (6.0 mm), superseded by the 3-D t1c_a.nii.gz",
    }


def test_a_zip_is_an_exam(tmp_path: Path) -> None:
    write(tmp_path / "x", *FOUR)
    with zipfile.ZipFile(tmp_path / "My exam.zip", "w") as bundle:
        for name in FOUR:
            bundle.write(tmp_path / "x" / name, f"deep/er/{name}")

    found = one(tmp_path / "My exam.zip", tmp_path / "work")

    assert found.id == "Myexam" and len(found.chosen) == 4


def test_a_manifest_by_columns_and_by_path(tmp_path: Path) -> None:
    write(tmp_path / "x", *FOUR)
    (tmp_path / "by_column.csv").write_text("ID,Session,T1-Gd,flair\np 1,2,x/t1ce.nii.gz,x/flair.nii.gz\np2,,x/gone.nii.gz,\n")
    (tmp_path / "by_path.tsv").write_text("participant_id\tpath\nsub-7\tx\n")

    good, bad = inspect_path(tmp_path / "by_column.csv", workdir=tmp_path)
    by_path = one(tmp_path / "by_path.tsv", tmp_path)

    assert good.name == "sub-p1_ses-2" and set(good.chosen) == {Sequence.T1C, Sequence.T2F} and good.problem is None
    assert isinstance(bad.problem, InputUnreadable) and "'x/gone.nii.gz'" in str(bad.problem)
    assert by_path.id == "7" and len(by_path.chosen) == 4 and by_path.source == "manifest"


def test_a_cohort_takes_neither_an_override_nor_an_id(tmp_path: Path) -> None:
    write(tmp_path / "c", *(f"{who}/{name}" for who in ("p", "q") for name in FOUR))
    with pytest.raises(AmbiguousExam, match="2 exams"):
        inspect_path(tmp_path / "c", workdir=tmp_path, exam_id="x")
    with pytest.raises(AmbiguousExam, match="2 exams"):
        inspect_path(tmp_path / "c", workdir=tmp_path, overrides={Sequence.T1C: tmp_path / "c/p/t1.nii.gz"})


def test_documents_are_json_without_absolute_paths(tmp_path: Path) -> None:
    write(tmp_path / "x", *FOUR, "who.nii.gz")
    (tmp_path / "x/broken_t2.nii.gz").write_bytes(b"no image at all")

    assert str(tmp_path) not in json.dumps(one(tmp_path / "x", tmp_path).document(), allow_nan=False)


def test_nothing_heavy_is_imported(tmp_path: Path) -> None:
    write(tmp_path / "x", *FOUR)
    program = (
        "import sys; from pathlib import Path; from glioscope.inspection import inspect_path;"
        f"inspect_path(Path({str(tmp_path / 'x')!r}), workdir=Path({str(tmp_path)!r}));"
        "print([m for m in ('torch', 'ants', 'matplotlib', 'SimpleITK', 'pandas') if m in sys.modules])"
    )

    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_one_mask_makes_a_brain_with_a_bright_rim_prepared(tmp_path: Path) -> None:
    """Synthetic exams of random contrast were left out of training."""
    ball = brain()
    bright = ball.with_data(np.where(ball.data != 0, 600 - ball.data, 0).astype(np.float32))
    write(tmp_path / "case", *(f"BraTS2021_00001_{name}.nii.gz" for name in NAMES), volume=bright)
    assert one(tmp_path / "case", tmp_path).prepared

    larger = bright.data.copy()
    larger[tuple(np.argwhere(larger == 0)[0])] = 1
    for name in NAMES[::2]:
        write_volume(tmp_path / "case" / f"BraTS2021_00001_{name}.nii.gz", bright.with_data(larger))
    assert not one(tmp_path / "case", tmp_path).prepared
