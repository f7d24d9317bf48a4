"""Samples by their number."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from glioscope.core import InputUnreadable
from glioscope.inference import WindowSettings, predict
from glioscope.training import load_recipe, with_changes
from glioscope.training.cache import CachedExam, prepare_cache
from glioscope.training.cohort_data import LabelledExam
from glioscope.training.patches import PatchDataset, target_channels
from glioscope.training.plan import Plan

RECIPE = load_recipe("nnunet", ["training.epochs=2", "training.iterations=5", "training.seed=7"])
PLAN = Plan((16, 12, 16), 2, (6.0, 6.0, 6.0), {}, 1.0, ())


@pytest.fixture(scope="module")
def cached(tiny_exams: list[LabelledExam], tmp_path_factory: pytest.TempPathFactory) -> list[CachedExam]:
    torch.set_num_threads(1)
    return prepare_cache(tiny_exams, RECIPE, PLAN, tmp_path_factory.mktemp("patches"))


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(a[key], b[key]) for key in ("image", "target", "exam"))


def test_shapes_and_values(cached: list[CachedExam]) -> None:
    dataset = PatchDataset(cached, RECIPE, PLAN)
    assert len(dataset) == 2 * 5 * 2
    sample = dataset[3]
    assert sample["image"].shape == (4, 16, 12, 16)
    assert sample["image"].dtype == sample["target"].dtype == torch.float32
    assert sample["target"].shape == (3, 16, 12, 16)
    assert set(np.unique(sample["target"]).tolist()) <= {0.0, 1.0}
    whole, core, enhancing = sample["target"]
    assert (whole >= core).all()
    assert (core >= enhancing).all()
    with pytest.raises(IndexError):
        dataset[20]


def test_unchanged_patches_are_parts_of_the_exam(cached: list[CachedExam]) -> None:
    dataset = PatchDataset(cached, RECIPE, PLAN, augment=False, length=12)
    for index in range(12):
        sample = dataset[index]
        exam = cached[int(sample["exam"])]
        padded = np.pad(np.asarray(exam.image, np.float32), [(0, 0)] + [(16, 16)] * 3)
        windows = np.lib.stride_tricks.sliding_window_view(padded[1], (16, 12, 16))
        likely = np.argwhere(windows[..., 8, 6, 8] == sample["image"][1, 8, 6, 8].item())
        hits = [place for place in likely if np.array_equal(windows[tuple(place)], sample["image"][1].numpy())]
        assert len(hits) == 1
        x, y, z = hits[0]
        assert np.array_equal(padded[:, x : x + 16, y : y + 12, z : z + 16], sample["image"].numpy())
        labels = np.pad(exam.target, 16)[x : x + 16, y : y + 12, z : z + 16]
        assert np.array_equal(labels > 0, sample["target"][0].numpy() == 1)
        assert np.array_equal(labels == 3, sample["target"][2].numpy() == 1)


@pytest.mark.parametrize("augmentation", ["none", "light", "nnunet", "heavy"])
def test_a_sample_is_the_same_whoever_asks(cached: list[CachedExam], augmentation: str) -> None:
    recipe = with_changes(RECIPE, {"augmentation.name": augmentation, "training.channel_dropout": 0.5})
    dataset = PatchDataset(cached, recipe, PLAN)
    alone = [dataset[n] for n in range(8)]
    torch.manual_seed(5)
    np.random.seed(5)
    assert same(dataset[6], alone[6])
    after = (torch.rand(1).item(), float(np.random.random()))
    torch.manual_seed(5)
    np.random.seed(5)
    assert (torch.rand(1).item(), float(np.random.random())) == after  # the global generators were left as they were
    workers = DataLoader(PatchDataset(cached, recipe, PLAN), batch_size=None, sampler=range(8), num_workers=2)
    assert all(same(a, b) for a, b in zip(alone, workers, strict=True))
    assert not same(alone[0], dataset[8])
    assert not same(alone[0], PatchDataset(cached, recipe, PLAN, seed=8)[0])


def test_threads_do_not_matter(cached: list[CachedExam]) -> None:
    dataset = PatchDataset(cached, RECIPE, PLAN)
    one = dataset[5]
    torch.set_num_threads(2)
    try:
        assert same(dataset[5], one)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def test_the_last_of_each_batch_has_foreground(cached: list[CachedExam]) -> None:
    """Two in a batch, a third of them: nnU-Net rounds to one. Small patches, so that chance alone rarely meets ET."""
    plan = replace(PLAN, patch=(4, 4, 4))
    recipe = with_changes(RECIPE, {"target.names": ["ET"]})
    dataset = PatchDataset(cached, recipe, plan, augment=False, length=80)
    found = [bool(dataset[n]["target"].any()) for n in range(80)]
    assert all(found[1::2])
    assert sum(found[::2]) < 25
    every = PatchDataset(cached, with_changes(recipe, {"training.foreground": 1.0}), plan, augment=False, length=20)
    assert all(bool(every[n]["target"].any()) for n in range(20))
    none = PatchDataset(cached, with_changes(recipe, {"training.foreground": 0.0}), plan, augment=False, length=80)
    assert sum(bool(none[n]["target"].any()) for n in range(80)) < 50


def test_a_batch_of_one_has_foreground_as_often_as_asked(cached: list[CachedExam]) -> None:
    """By nnU-Net's rounding it had it always or never."""
    plan = replace(PLAN, patch=(1, 1, 1), batch=1)
    recipe = with_changes(RECIPE, {"target.names": ["ET"], "training.foreground": 0.5})
    dataset = PatchDataset(cached, recipe, plan, augment=False, length=300)
    assert 120 < sum(bool(dataset[n]["target"].any()) for n in range(300)) < 190


def test_each_region_is_as_likely(cached: list[CachedExam]) -> None:
    plan = replace(PLAN, patch=(1, 1, 1), batch=1)
    recipe = load_recipe("gli-2024-nnunet", ["target={kind: labels, scheme: brats-2023, names: [NCR, ED, ET]}"])
    recipe = with_changes(recipe, {"training.foreground": 1.0})
    dataset = PatchDataset(cached, recipe, plan, augment=False, length=300)
    counts = torch.stack([dataset[n]["target"].flatten() for n in range(300)]).sum(dim=0).tolist()
    assert counts[0] == 0
    assert all(70 < count < 130 for count in counts[1:])


def test_patches_larger_than_the_exam_are_padded(cached: list[CachedExam]) -> None:
    plan = replace(PLAN, patch=(40, 40, 40))
    sample = PatchDataset(cached, RECIPE, plan, augment=False)[1]
    exam = cached[int(sample["exam"])]
    assert sample["image"].shape == (4, 40, 40, 40)
    x, y, z = ((40 - n) // 2 for n in exam.shape)
    part = sample["image"][:, x : x + exam.shape[0], y : y + exam.shape[1], z : z + exam.shape[2]]
    assert np.array_equal(part.numpy(), np.asarray(exam.image, np.float32))
    assert sample["image"].count_nonzero() == part.count_nonzero()
    assert int(sample["target"][0].sum()) == int((exam.target > 0).sum())


def test_an_exam_smaller_than_the_patch_lies_where_prediction_puts_it(cached: list[CachedExam]) -> None:
    # One voxel apart, a network with strides that knew an exam by heart had a Dice of 0.92 on it.
    exam = cached[0]
    x, y, z = (n + odd for n, odd in zip(exam.shape, (1, 2, 3), strict=True))
    seen: list[torch.Tensor] = []

    def model(windows: torch.Tensor) -> torch.Tensor:
        seen.append(windows[0].clone())
        return windows[:, :1]

    predict([model], np.asarray(exam.image, np.float32), np.asarray(exam.inside), WindowSettings((x, y, z), mirror_axes=()))
    sample = PatchDataset([exam], RECIPE, replace(PLAN, patch=(x, y, z)), augment=False)[0]
    assert torch.equal(sample["image"], seen[0])


def test_channel_dropout_takes_one_sequence_and_its_differences(tiny_exams: list[LabelledExam], tmp_path: Path) -> None:
    recipe = load_recipe("nnunet", ["inputs.channels=[t1c, t1n, t1c-t1n, t2f]", "training.channel_dropout=1"])
    images = {name: path for name, path in tiny_exams[1].images.items() if name in ("t1c", "t1n")}
    exams = prepare_cache([tiny_exams[0], replace(tiny_exams[1], images=images)], recipe, PLAN, tmp_path)
    dataset = PatchDataset(exams, recipe, PLAN, augment=False, length=60)
    seen: dict[int, set[tuple[bool, ...]]] = {0: set(), 1: set()}
    for n in range(60):
        sample = dataset[n]
        seen[int(sample["exam"])].add(tuple(bool(channel.any()) for channel in sample["image"]))
    assert seen[0] == {(False, True, False, True), (True, False, False, True), (True, True, True, False)}
    assert seen[1] == {(False, True, False, False), (True, False, False, False)}  # t2f was not there before


def test_channel_dropout_may_take_several(tiny_exams: list[LabelledExam], tmp_path: Path) -> None:
    changes = ["inputs.channels=[t1c, t1n, t1c-t1n, t2f]", "training.channel_dropout=1", "training.channel_dropout_most=3"]
    recipe = load_recipe("nnunet", changes)
    dataset = PatchDataset(prepare_cache(tiny_exams[:1], recipe, PLAN, tmp_path), recipe, PLAN, augment=False, length=100)
    seen = {tuple(bool(channel.any()) for channel in dataset[n]["image"]) for n in range(100)}
    one = {(False, True, False, True), (True, False, False, True), (True, True, True, False)}
    assert seen == one | {(True, False, False, False), (False, True, False, False), (False, False, False, True)}


def test_the_last_sequence_stays(tiny_exams: list[LabelledExam], tmp_path: Path) -> None:
    recipe = load_recipe("nnunet", ["inputs.channels=[t1c]", "training.channel_dropout=1"])
    exams = prepare_cache(tiny_exams[:1], recipe, PLAN, tmp_path)
    assert PatchDataset(exams, recipe, PLAN, augment=False)[0]["image"].any()


def test_a_share_of_the_patches_is_from_exams_only_learnt_from(cached: list[CachedExam]) -> None:
    exams = [replace(exam, train_only=n == 0) for n, exam in enumerate(cached)]
    recipe = with_changes(RECIPE, {"training.train_only_share": 0.25})
    dataset = PatchDataset(exams, recipe, PLAN, augment=False, length=200)
    found = [int(dataset[n]["exam"]) for n in range(200)]
    assert 0.15 < found.count(0) / 200 < 0.35  # a third where each is as likely
    assert set(found) == set(range(len(exams)))


def test_target_channels_by_hand() -> None:
    labels = np.array([[[0, 1], [2, 3]]], np.uint8)
    regions = target_channels(labels, [(1, 2, 3), (1, 3), (3,)], background=False)
    assert regions.reshape(3, 4).tolist() == [[0, 1, 1, 1], [0, 1, 0, 1], [0, 0, 0, 1]]
    one_hot = target_channels(labels, [(1,), (3,)], background=True)
    assert one_hot.reshape(3, 4).tolist() == [[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]]


def test_sentences(cached: list[CachedExam], tmp_path: Path) -> None:
    with pytest.raises(InputUnreadable, match="no exams to learn from"):
        PatchDataset([], RECIPE, PLAN)
    with pytest.raises(InputUnreadable, match=r"no key 'augmentation.parameters.p_nose'; did you mean 'p_noise'"):
        PatchDataset(cached, with_changes(RECIPE, {"augmentation.parameters": {"p_nose": 1}}), PLAN)
    gone = replace(cached[0], folder=tmp_path / "gone")
    with pytest.raises(InputUnreadable, match="of the cache is missing or damaged"):
        PatchDataset([gone], RECIPE, PLAN, augment=False)[0]
