"""Whole synthetic exams; they need the tissue maps of SRI24."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glioscope.atlas import atlas_volume
from glioscope.core import EngineMissing, MissingSequence, Sequence, read_labels, read_volume
from glioscope.core.files import sha256
from glioscope.preprocessing.brain_extraction import find_brain
from glioscope.synthesis import SyntheticExam, synthesise_exam


@pytest.fixture(scope="module")
def maps() -> dict[str, Path]:
    try:
        return {key: atlas_volume("SRI24", key) for key in ("csf", "gm", "wm")}
    except EngineMissing as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def raw(maps: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> SyntheticExam:
    return synthesise_exam(tmp_path_factory.mktemp("raw"), maps=maps, seed=0)


def test_raw_exam_has_four_grids_and_a_tumour_that_enhances(raw: SyntheticExam) -> None:
    assert sorted(p.name for p in raw.folder.iterdir()) == [
        "FLAIR_AX_TIR_5.nii.gz",
        "T1_AX_POST_GAD_SE_7.nii.gz",
        "T1_AX_SE_3.nii.gz",
        "T2_AX_TSE_4.nii.gz",
    ]
    volumes = {sequence: read_volume(path) for sequence, path in raw.images.items()}
    assert {round(float(v.grid.spacing[2]), 1) for v in volumes.values()} == {3.0, 4.0, 5.0}
    assert all(v.grid.obliquity > 5 for v in volumes.values())
    t1c = volumes[Sequence.T1C]
    assert raw.labels.grid.same_as(t1c.grid)
    assert raw.brain.grid.same_as(t1c.grid)
    assert t1c.data[raw.labels.data == 3].mean() > 1.2 * t1c.data[raw.brain.data & (raw.labels.data == 0)].mean()
    assert 5 < (raw.labels.data > 0).sum() * t1c.grid.voxel_volume / 1000 < 200


def test_deepbet_finds_the_brain(raw: SyntheticExam) -> None:
    mask = find_brain(read_volume(raw.images[Sequence.T1C])).mask.data
    truth = raw.brain.data
    assert 2 * (mask & truth).sum() / (mask.sum() + truth.sum()) > 0.95


def test_same_seed_gives_the_same_bytes_whichever_sequences(raw: SyntheticExam, maps: dict[str, Path], tmp_path: Path) -> None:
    again = synthesise_exam(tmp_path, maps=maps, seed=0, sequences=(Sequence.T1C,))
    assert list(again.images) == [Sequence.T1C]
    assert sha256(again.images[Sequence.T1C]) == sha256(raw.images[Sequence.T1C])
    np.testing.assert_array_equal(again.labels.data, raw.labels.data)


def test_brats_exam_is_stripped_on_the_common_grid(maps: dict[str, Path], tmp_path: Path) -> None:
    exam = synthesise_exam(tmp_path / "SYN-00001-000", maps=maps, seed=1, style="brats", sequences=(Sequence.T2F,))
    assert sorted(p.name for p in exam.folder.iterdir()) == ["SYN-00001-000-seg.nii.gz", "SYN-00001-000-t2f.nii.gz"]
    image = read_volume(exam.images[Sequence.T2F])
    labels = read_labels(exam.folder / "SYN-00001-000-seg.nii.gz")
    assert image.grid.shape == (240, 240, 155)
    assert image.grid.orientation == "LPS"
    np.testing.assert_array_equal(image.grid.affine[:3, 3], [0, 239, 0])
    np.testing.assert_array_equal(image.data > 0, exam.brain.data)
    np.testing.assert_array_equal(labels.data, exam.labels.data)
    assert set(np.unique(labels.data)) == {0, 1, 2, 3}


def test_no_sequence_is_refused(maps: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(MissingSequence, match="at least one"):
        synthesise_exam(tmp_path / "none", maps=maps, sequences=())
    assert not (tmp_path / "none").exists()
