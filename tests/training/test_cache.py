"""Exams prepared once."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from glioscope.bundles.channels import build_channels
from glioscope.core import InputUnreadable, OutputUnwritable
from glioscope.training import Recipe, load_recipe
from glioscope.training.cache import CachedExam, open_cached, prepare_cache
from glioscope.training.cohort_data import LabelledExam, read_exam
from glioscope.training.plan import Plan

RECIPE = load_recipe("nnunet", ["inputs.channels=[t1c, t1c-t1n]"])
PLAN = Plan((16, 16, 16), 2, (6.0, 6.0, 6.0), {}, 1.0, ())
FILES = ("image.npy", "target.npy", "foreground.npz", "exam.json")


def contents(cached: list[CachedExam]) -> dict[str, bytes]:
    return {f"{exam.name}/{name}": (exam.folder / name).read_bytes() for exam in cached for name in FILES}


def prepare(exams: list[LabelledExam], folder: Path, recipe: Recipe = RECIPE) -> tuple[list[CachedExam], list[str]]:
    told: list[str] = []
    return prepare_cache(exams, recipe, PLAN, folder, told=told.append), told


def test_what_is_stored_is_what_the_segmenter_sees(tiny_exams: list[LabelledExam], tmp_path: Path) -> None:
    (exam, *_), told = prepare(tiny_exams, tmp_path)
    arrays = read_exam(tiny_exams[0], RECIPE)
    expected = build_channels(arrays.images, arrays.brain, RECIPE.inputs)[(slice(None), *arrays.box)]
    assert exam.image.dtype == np.float16
    assert np.allclose(exam.image, expected, atol=4e-3)
    assert np.array_equal(exam.target, arrays.labels[arrays.box])
    assert np.array_equal(exam.inside, arrays.brain[arrays.box])
    assert exam.counts == {n: int((arrays.labels == n).sum()) for n in (1, 2, 3)}
    for label in (1, 2, 3):
        places = exam.locations(label)
        assert len(places) == exam.counts[label]
        assert all(exam.target[x, y, z] == label for x, y, z in places)
    assert exam.locations(9).shape == (0, 3)
    lower = [s.start for s in arrays.box]
    assert np.allclose(exam.grid.to_world((0, 0, 0)), arrays.grid.to_world(lower))
    assert told[0] == f"{exam.name}: prepared"


def test_a_second_time_nothing_is_written(tiny_exams: list[LabelledExam], tmp_path: Path) -> None:
    first, _ = prepare(tiny_exams, tmp_path)
    times = [(exam.folder / name).stat().st_mtime_ns for exam in first for name in FILES]
    second, told = prepare(tiny_exams, tmp_path)
    assert second == first
    assert [(exam.folder / name).stat().st_mtime_ns for exam in second for name in FILES] == times
    assert all(sentence.endswith(": in the cache") for sentence in told)


def test_the_same_bytes_with_several_processes(tiny_exams: list[LabelledExam], tmp_path: Path) -> None:
    alone, _ = prepare(tiny_exams, tmp_path / "a")
    several = prepare_cache(tiny_exams, RECIPE, PLAN, tmp_path / "b", jobs=2)
    assert contents(alone) == contents(several)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("harm", ["truncated", "overwritten", "gone"])
def test_a_damaged_file_is_named_and_rebuilt(tiny_exams: list[LabelledExam], tmp_path: Path, name: str, harm: str) -> None:
    (exam,), _ = prepare(tiny_exams[:1], tmp_path)
    before = contents([exam])
    file = exam.folder / name
    if harm == "truncated":
        os.truncate(file, file.stat().st_size // 2)
    elif harm == "overwritten":
        file.write_bytes(b"\0" * file.stat().st_size)
    else:
        file.unlink()
    with pytest.raises(InputUnreadable, match=f"{name}' of the cache is missing or damaged; prepare the exam again"):
        open_cached(exam.folder)
    (again,), told = prepare(tiny_exams[:1], tmp_path)
    assert contents([again]) == before
    if harm != "gone" or name != "exam.json":
        assert "prepared again" in told[0]
        assert name in told[0]


def test_other_inputs_are_prepared_beside_and_changed_files_again(tiny_exams: list[LabelledExam], tmp_path: Path) -> None:
    (exam,), _ = prepare(tiny_exams[:1], tmp_path)
    (other,), told = prepare(tiny_exams[:1], tmp_path, load_recipe("nnunet"))
    assert other.folder.parent != exam.folder.parent
    assert told == [f"{exam.name}: prepared"]
    same, told = prepare(tiny_exams[:1], tmp_path, load_recipe("nnunet", ["target.names=[ET]", "training.epochs=3"]))
    assert same == [other]
    copy = tmp_path / "copy.nii.gz"
    copy.write_bytes(tiny_exams[0].labels.read_bytes())
    assert prepare([replace(tiny_exams[0], labels=copy)], tmp_path) == ([exam], [f"{exam.name}: in the cache"])
    changed = [replace(tiny_exams[0], labels=tiny_exams[1].labels)]
    assert prepare(changed, tmp_path)[1] == [f"{exam.name}: prepared"]
    assert prepare(changed, tmp_path)[1] == [f"{exam.name}: in the cache"]


def test_other_files_under_the_name_of_an_exam_leave_it_as_it_is(tiny_exams: list[LabelledExam], tmp_path: Path) -> None:
    """A training that was learning from it went on with the other files, from one patch to the next."""
    (learnt,), _ = prepare(tiny_exams[:1], tmp_path)
    before = contents([learnt])
    (other,), _ = prepare([replace(tiny_exams[1], name=learnt.name)], tmp_path)
    assert not np.array_equal(other.target, learnt.target)
    assert contents([learnt]) == before
    assert prepare(tiny_exams[:1], tmp_path) == ([learnt], [f"{learnt.name}: in the cache"])


def test_site_and_patient_follow_the_cohort(tiny_exams: list[LabelledExam], tmp_path: Path) -> None:
    prepare(tiny_exams[:1], tmp_path)
    (exam,), told = prepare([replace(tiny_exams[0], site="AMS", patient="p")], tmp_path)
    assert (exam.site, exam.patient) == ("AMS", "p")
    assert told[0].endswith("in the cache")


def test_an_exam_that_lacks_a_sequence(tiny_exams: list[LabelledExam], tmp_path: Path) -> None:
    images = {name: path for name, path in tiny_exams[0].images.items() if name != "t1n"}
    (exam,), _ = prepare([replace(tiny_exams[0], images=images)], tmp_path, load_recipe("gli-2024-nnunet-subtraction"))
    empty = [not channel.any() for channel in exam.image]
    assert empty == [True, False, False, False, True]  # T1n, and the difference that it is part of
    assert exam.sources == ("t1c", "t2f", "t2w")


def test_large_numbers_are_kept_whole(tiny_exams: list[LabelledExam], tmp_path: Path) -> None:
    recipe = load_recipe("nnunet", ["inputs={channels: [t1c], normalisation: none}"])
    (exam,), _ = prepare(tiny_exams[:1], tmp_path, recipe)
    assert exam.image.dtype == np.float16
    from glioscope.core import read_volume, write_volume

    volume = read_volume(tiny_exams[0].images["t1c"])
    write_volume(tmp_path / "large.nii.gz", volume.with_data(volume.data * 1e5))
    (exam,), _ = prepare([replace(tiny_exams[0], images={"t1c": tmp_path / "large.nii.gz"})], tmp_path, recipe)
    assert exam.image.dtype == np.float32
    assert np.isfinite(exam.image).all()


def test_it_travels_as_a_path(tiny_exams: list[LabelledExam], tmp_path: Path) -> None:
    (exam,), _ = prepare(tiny_exams[:1], tmp_path)
    assert len(pickle.dumps(exam)) < 2000


def _prepare_slowly(exams: list[LabelledExam], folder: Path) -> None:
    for _ in range(50):
        prepare_cache(exams, RECIPE, PLAN, folder)
        for record in folder.rglob("exam.json"):
            record.unlink()


def test_killed_at_any_moment(tiny_exams: list[LabelledExam], tmp_path: Path) -> None:
    """What is under its final name is complete, and the next run makes the same bytes and clears away what was left."""
    wanted = contents(prepare(tiny_exams, tmp_path / "whole")[0])
    folder = tmp_path / "killed"
    for delay in (0.02, 0.05, 0.11):
        process = multiprocessing.get_context("fork").Process(target=_prepare_slowly, args=(tiny_exams, folder))
        process.start()
        time.sleep(delay)
        assert process.pid
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        for record in folder.rglob("exam.json"):
            open_cached(record.parent)
        assert contents(prepare(tiny_exams, folder)[0]) == wanted
        assert not list(folder.rglob("*.part*"))


def test_a_folder_that_cannot_be_written(tiny_exams: list[LabelledExam], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputUnwritable):
        prepare(tiny_exams, tmp_path / "file")


def test_a_real_exam(brats_exam: Path, tmp_path: Path) -> None:
    names = {"t1n": "t1", "t1c": "t1ce", "t2w": "t2", "t2f": "flair"}
    images = {source: brats_exam / f"{brats_exam.name}_{name}.nii.gz" for source, name in names.items()}
    exam = LabelledExam("real", "real", images, brats_exam / f"{brats_exam.name}_seg.nii.gz")
    plan = replace(PLAN, spacing=(1.0, 1.0, 1.0))
    (cached,) = prepare_cache([exam], load_recipe("nnunet"), plan, tmp_path)
    assert set(np.unique(cached.target)) == {0, 1, 2, 3}  # 4 became 3
    assert cached.shape < (180, 220, 155)
    inside = cached.inside
    for channel in np.asarray(cached.image, np.float32):
        assert abs(float(channel[inside].mean())) < 0.01
        assert float(channel[inside].std()) == pytest.approx(1, abs=0.01)
    assert sum((cached.folder / name).stat().st_size for name in FILES) < 40 * 2**20
