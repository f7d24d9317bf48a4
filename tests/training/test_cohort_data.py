"""The arrays of an exam."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from glioscope.core import SCHEMES, Grid, InvalidImage, MissingSequence, Volume, read_labels, read_volume, write_volume
from glioscope.training import load_recipe
from glioscope.training.cohort_data import LabelledExam, placed, read_exam
from glioscope.training.recipe_schema import GridRules

RECIPE = load_recipe("nnunet")


def test_images_of_the_recipe_and_labels(tiny_exams: list[LabelledExam]) -> None:
    arrays = read_exam(tiny_exams[0], load_recipe("nnunet", ["inputs.channels=[t1c, t1c-t1n]"]))
    assert sorted(arrays.images) == ["t1c", "t1n"]
    assert arrays.grid.orientation == "RAS"
    assert np.array_equal(np.unique(arrays.labels), [0, 1, 2, 3])
    assert np.array_equal(arrays.brain, (arrays.images["t1c"] != 0) | (arrays.images["t1n"] != 0))
    box = arrays.box
    assert arrays.brain[box].sum() == arrays.brain.sum()
    for axis in range(3):
        sides = np.moveaxis(arrays.brain[box] | (arrays.labels[box] > 0), axis, 0)
        assert sides[0].any()
        assert sides[-1].any()


def test_the_orientation_of_the_files_does_not_matter(tiny_exams: list[LabelledExam], tmp_path: Path) -> None:
    exam = tiny_exams[0]
    turned = {}
    for name, path in {**exam.images, "seg": exam.labels}.items():
        volume = read_labels(path) if name == "seg" else read_volume(path)
        turned[name] = tmp_path / f"{name}.nii.gz"
        write_volume(turned[name], volume.reoriented("PIL"))
    labels = turned.pop("seg")
    straight, other = read_exam(exam, RECIPE), read_exam(replace(exam, images=turned, labels=labels), RECIPE)
    assert np.array_equal(straight.labels, other.labels)
    assert np.array_equal(straight.images["t2f"], other.images["t2f"])
    assert straight.grid.same_as(other.grid)


def test_the_older_numbering_is_recognised(tiny_exams: list[LabelledExam], tmp_path: Path) -> None:
    exam = tiny_exams[0]
    labels = read_labels(exam.labels)
    older = labels.with_data(np.where(labels.data == 3, 4, labels.data).astype(np.uint8))
    write_volume(tmp_path / "old.nii.gz", older)
    found = read_exam(replace(exam, labels=tmp_path / "old.nii.gz"), RECIPE).labels
    assert np.array_equal(found, read_exam(exam, RECIPE).labels)
    told = replace(exam, labels=tmp_path / "old.nii.gz", scheme="brats-2021")
    assert np.array_equal(read_exam(told, RECIPE).labels, found)
    with pytest.raises(InvalidImage, match="value 3, which scheme 'brats-2021' does not define"):
        read_exam(replace(exam, scheme="brats-2021"), RECIPE)


def test_the_pre_operative_exam_comes_to_the_grid(tiny_exams: list[LabelledExam], tmp_path: Path) -> None:
    exam = tiny_exams[0]
    labels = read_labels(exam.labels)
    finer = Grid((48, 48, 48), labels.grid.affine @ np.diag([0.5, 0.5, 0.5, 1]))
    mask = np.zeros((48, 48, 48), np.uint8)
    mask[20:28, 20:28, 20:28] = 1
    write_volume(tmp_path / "mask.nii.gz", Volume(mask, finer))
    images = {"t1c": exam.images["t1c"], "t1n": exam.images["t1n"], "pre-t1c": exam.images["t1c"]}
    images["pre-mask"] = tmp_path / "mask.nii.gz"
    recipe = load_recipe("residual-nnunet-d", ["target={kind: labels, scheme: brats-2023, names: [ET]}"])
    arrays = read_exam(replace(exam, images=images), recipe)
    assert np.array_equal(arrays.images["pre-t1c"], arrays.images["t1c"])
    assert arrays.images["pre-mask"].shape == (24, 24, 24)
    assert set(np.unique(arrays.images["pre-mask"])) == {0.0, 1.0}
    assert arrays.images["pre-mask"].sum() == pytest.approx(64, rel=0.6)  # 8 x 8 x 8 of half the side


def test_sentences(tiny_exams: list[LabelledExam], tmp_path: Path) -> None:
    exam = tiny_exams[0]
    with pytest.raises(MissingSequence, match="none of the images that recipe 'nnunet' learns from"):
        read_exam(replace(exam, images={"pre-t1c": exam.images["t1c"]}), RECIPE)
    labels = read_labels(exam.labels)
    write_volume(tmp_path / "short.nii.gz", Volume.of(labels.data[:-1], labels.grid.affine))
    with pytest.raises(InvalidImage, match="lie on different grids"):
        read_exam(replace(exam, labels=tmp_path / "short.nii.gz"), RECIPE)


def test_resampling_keeps_volumes_and_places(tiny_exams: list[LabelledExam]) -> None:
    arrays = read_exam(tiny_exams[0], RECIPE)
    scheme = SCHEMES["brats-2023"]
    same = placed(arrays, GridRules(), (6.0, 6.0, 6.0), scheme)
    assert np.array_equal(same.labels, arrays.labels[arrays.box])
    fine = placed(arrays, GridRules(), (3.0, 3.0, 4.0), scheme)
    assert np.allclose(fine.grid.spacing, (3, 3, 4), rtol=0.03)
    for label in (1, 2, 3):
        ml = [float((a.labels == label).sum()) * a.grid.voxel_volume for a in (arrays, fine)]
        assert ml[1] == pytest.approx(ml[0], rel=0.12)
    centre = [a.grid.to_world(np.argwhere(a.labels == 3)).mean(axis=0) for a in (arrays, fine)]
    assert np.abs(centre[0] - centre[1]).max() < 1.5


def test_a_size_whatever_the_brain(tiny_exams: list[LabelledExam]) -> None:
    arrays = read_exam(tiny_exams[0], RECIPE)
    found = placed(arrays, GridRules(size=(16, 20, 32)), (1.0, 1.0, 1.0), SCHEMES["brats-2023"])
    assert found.labels.shape == found.brain.shape == found.images["t1c"].shape == (16, 20, 32)
    sides = arrays.brain[arrays.box].shape
    assert np.allclose(found.grid.extent, np.array(sides) * 6)
