"""Real exams, under their names and without them."""

from __future__ import annotations

from pathlib import Path

import pytest

from glioscope.core import Sequence, parse_sequence
from glioscope.inspection import Inspection, inspect_path


def _anonymous(source: Path, target: Path, prefix: str = "") -> dict[str, Sequence]:
    """Links named a.nii.gz, b.nii.gz …, and which sequence each is."""
    target.mkdir(parents=True)
    truth = {}
    files = [p for p in sorted(source.glob(f"{prefix}*.nii.gz")) if "seg" not in p.name]
    for letter, path in zip("cadb", files, strict=True):
        word = path.name.removesuffix(".nii.gz").replace("-", "_").split("_")[-1]
        sequence = parse_sequence(word)
        assert sequence is not None
        (target / f"{letter}.nii.gz").symlink_to(path)
        truth[f"{letter}.nii.gz"] = sequence
    return truth


def _verdicts(found: Inspection, truth: dict[str, Sequence]) -> tuple[int, int]:
    """Right and wrong; the rest is left open."""
    given = {c.name: c.sequence for c in found.candidates if c.sequence}
    return sum(given.get(n) is s for n, s in truth.items()), sum(given.get(n, s) is not s for n, s in truth.items())


def test_the_raw_exam_by_its_names(test_data: Path, tmp_path: Path) -> None:
    (found,) = inspect_path(test_data / "exams/raw/TCGA-FG-6692", workdir=tmp_path)

    assert {s.value: c.name for s, c in found.chosen.items()} == {
        "t1n": "T1_AX_SE_10_se2d1.nii.gz",
        "t1c": "MRHR_T1_AX_POST_GAD_SE_13_se2d1r.nii.gz",
        "t2w": "MRHR_T2_AX_SE_2_tse2d1_11.nii.gz",
        "t2f": "MRHR_FLAIR_AX_SE_IR_5_tir2d1_21.nii.gz",
    }
    assert not found.prepared and found.missing == ()
    assert "Thick slices: T1, T1 + contrast, T2, FLAIR 5.5 mm. Small lesions and volumes are less certain." in found.warnings


def test_a_raw_exam_without_names_is_left_open(test_data: Path, tmp_path: Path) -> None:
    for letter, path in zip("abcd", sorted((test_data / "exams/raw/TCGA-FG-6692").iterdir()), strict=True):
        (tmp_path / f"{letter}.nii.gz").symlink_to(path)

    (found,) = inspect_path(tmp_path, workdir=tmp_path / "w")

    assert found.chosen == {} and "give them with --t1c FILE" in str(found.problem)


@pytest.mark.parametrize("case", ["glioma-labelled/BraTS2021_00006", "glioma-unlabelled/BraTS-GLI-00001-000"])
def test_a_case_by_its_names_and_by_its_content(test_data: Path, tmp_path: Path, case: str) -> None:
    folder = test_data / "exams" / case
    truth = _anonymous(folder, tmp_path / "x")

    (named,) = inspect_path(folder, workdir=tmp_path)
    (nameless,) = inspect_path(tmp_path / "x", workdir=tmp_path)

    assert named.prepared and named.source == "brats" and len(named.chosen) == 4
    assert nameless.prepared and _verdicts(nameless, truth) == (4, 0)
    assert {c.reason for c in nameless.chosen.values()} == {"its content (intensities)"}
    assert nameless.warnings == () or all("check it" in w for w in nameless.warnings)


@pytest.mark.slow
def test_content_is_never_wrong_on_skull_stripped_exams(test_data: Path, tmp_path: Path) -> None:
    sources = [(p, "") for p in sorted((test_data / "exams/glioma-labelled").iterdir()) if p.is_dir()]
    sources += [(test_data / "exams/glioma-unlabelled/BraTS-GLI-00001-000", "")]
    registered = test_data / "exams/longitudinal/BraTSReg_002"
    sources += [(registered, "BraTSReg_002_00_"), (registered, "BraTSReg_002_01_")]
    right = wrong = 0
    for number, (source, prefix) in enumerate(sources):
        truth = _anonymous(source, tmp_path / str(number), prefix)
        (found,) = inspect_path(tmp_path / str(number), workdir=tmp_path)
        verdicts = _verdicts(found, truth)
        right, wrong = right + verdicts[0], wrong + verdicts[1]

    assert wrong == 0
    assert right >= 46  # of 52; without enhancement T1 and T1c cannot be told apart and are left open
