"""Cohorts of synthetic exams; they need the tissue maps of SRI24."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from glioscope.atlas import atlas_volume
from glioscope.core import (
    EngineMissing,
    InputUnreadable,
    InvalidImage,
    OutputUnwritable,
    Volume,
    read_labels,
    read_volume,
    write_volume,
)
from glioscope.core.files import sha256
from glioscope.synthesis.template import BRATS_GRID
from glioscope.workflows.labelled_cohort import labelled_cohort
from glioscope.workflows.synthesize import synthesize


@pytest.fixture(scope="module", autouse=True)
def atlas() -> None:
    try:
        atlas_volume("SRI24", "wm")
    except EngineMissing as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def shape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    labels = np.zeros(BRATS_GRID.shape, np.uint8)
    labels[80:100, 110:140, 70:95] = 2
    labels[86:96, 118:130, 76:86] = 4
    folder = tmp_path_factory.mktemp("shapes")
    write_volume(folder / "A_seg.nii.gz", Volume(labels, BRATS_GRID))
    return folder


def test_a_cohort_can_be_continued_and_read_as_labelled_exams(shape: Path, tmp_path: Path) -> None:
    one = synthesize(tmp_path / "one", exams=1, seed=1, missing=0.4, shapes=shape, share=1)
    assert one.made == 1
    assert one.figure is not None
    assert one.figure.read_bytes().startswith(b"\x89PNG")
    folder = one.exams[0]
    before = {file.name: (sha256(file), file.stat().st_mtime_ns) for file in folder.iterdir()}
    (folder / f"{folder.name}-t1n.nii.gz").unlink()  # an exam that has lost an image was taken for whole
    more = synthesize(tmp_path / "one", exams=1, seed=1, missing=0.4, shapes=shape, share=1)
    assert more.made == 1
    assert {file.name: sha256(file) for file in folder.iterdir()} == {name: bytes_of for name, (bytes_of, _) in before.items()}
    before = {file.name: (sha256(file), file.stat().st_mtime_ns) for file in folder.iterdir()}
    more = synthesize(tmp_path / "one", exams=2, seed=1, missing=0.4, shapes=shape, share=1)
    assert more.made == 1
    assert {file.name: (sha256(file), file.stat().st_mtime_ns) for file in folder.iterdir()} == before
    exams = labelled_cohort(tmp_path / "one", tmp_path / "work")
    assert [sorted(exam.images) for exam in exams] == [["t1n", "t2w"], ["t1c", "t1n", "t2f"]]
    assert all(read_labels(exam.labels).data.any() for exam in exams)


@pytest.mark.slow
@pytest.mark.parametrize("style", ["brats", "raw"])
def test_the_number_of_jobs_changes_no_byte(tmp_path: Path, style: Literal["brats", "raw"]) -> None:
    one, two = (synthesize(tmp_path / str(jobs), exams=2, style=style, jobs=jobs) for jobs in (1, 2))
    for a, b in zip(one.exams, two.exams, strict=True):
        assert {f.name: sha256(f) for f in a.iterdir()} == {f.name: sha256(f) for f in b.iterdir()}


def test_a_healthy_cohort_has_empty_labels_and_random_contrast_still_shows_a_brain(tmp_path: Path) -> None:
    made = synthesize(tmp_path, exams=1, kind="healthy", mode="random")
    folder = made.exams[0]
    assert not read_labels(folder / f"{folder.name}-seg.nii.gz").data.any()
    image = read_volume(folder / f"{folder.name}-t2f.nii.gz")
    assert image.grid.same_as(BRATS_GRID)
    assert 900 < (image.data > 0).sum() / 1000 < 2000


def test_other_settings_need_another_folder_regression(tmp_path: Path) -> None:
    """It was told as an input that cannot be read (exit code 3)."""
    (tmp_path / "synthetic.json").write_text(json.dumps({"seed": 1}))
    with pytest.raises(OutputUnwritable, match="other settings"):
        synthesize(tmp_path, exams=1)
    assert [file.name for file in tmp_path.iterdir()] == ["synthetic.json"]


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputUnreadable, match="no label map"):
        synthesize(tmp_path / "out", shapes=tmp_path)
    with pytest.raises(InputUnreadable, match=r"There is no .*maps"):
        synthesize(tmp_path / "out", shapes=tmp_path / "maps")
    with pytest.raises(InputUnreadable, match="choose one of SRI24, MNI152"):
        synthesize(tmp_path / "out", atlas="Talairach")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("value", "words"), [(7, "has the value 7"), (0, "without tumour")])
def test_a_shape_that_cannot_be_one_is_told_before_any_exam_is_made_regression(tmp_path: Path, value: int, words: str) -> None:
    """It was told some exams later, and not which file it was; the folder then refused better ones."""
    file = tmp_path / "odd_seg.nii.gz"
    write_volume(file, Volume.of(np.full((8, 8, 8), value, np.uint8), np.eye(4)))
    with pytest.raises(InvalidImage, match=rf"'odd_seg\.nii\.gz' cannot be one of the shapes: .*{words}"):
        synthesize(tmp_path / "out", exams=1, shapes=file, share=1)
    assert not (tmp_path / "out").exists()


def test_a_shape_that_is_no_image_is_told_before_any_exam_is_made(tmp_path: Path) -> None:
    (tmp_path / "junk_seg.nii.gz").write_bytes(b"junk")
    with pytest.raises(InputUnreadable, match=r"junk_seg\.nii\.gz"):
        synthesize(tmp_path / "out", exams=1, shapes=tmp_path / "junk_seg.nii.gz", share=0)
    assert not (tmp_path / "out").exists()
