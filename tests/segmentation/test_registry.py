"""The registry: what is listed, chosen and refused; and the fake."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from glioscope.core import InvalidImage, MissingSequence, Sequence, Volume
from glioscope.segmentation import FakeSegmenter, choose_segmenter, get_segmenter, list_segmenters

T1N, T1C, T2W, T2F = Sequence


@pytest.fixture
def nothing_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glioscope.bundles.folder.SHIPPED", tmp_path)


@pytest.mark.parametrize(
    ("have", "chosen"),
    [
        ({T1N, T1C, T2W, T2F}, "subtraction"),
        ({T1N, T1C, T2F}, "subtraction"),
        ({T1C, T2F}, "flair-threshold"),
        ({T2F}, "flair-threshold"),
    ],
)
@pytest.mark.usefixtures("nothing_shipped")
def test_the_best_that_can_work_is_chosen(have: set[Sequence], chosen: str) -> None:
    assert choose_segmenter(have) == chosen


@pytest.mark.usefixtures("nothing_shipped")
def test_without_flair_none_can_work() -> None:
    with pytest.raises(MissingSequence, match="T1 and T2 alone; add the FLAIR"):
        choose_segmenter({T1N, T2W})


def test_entries_say_what_the_classes_say() -> None:
    for entry in list_segmenters():
        segmenter = get_segmenter(entry.name)
        assert (segmenter.name, segmenter.title) == (entry.name, entry.title)
        assert (segmenter.needs, segmenter.regions) == (entry.needs, entry.regions)
        assert set(segmenter.regions) <= set(segmenter.scheme.regions)


def test_an_unknown_name_and_an_unknown_device_are_refused() -> None:
    with pytest.raises(InvalidImage, match=r"no segmenter 'magic'; known are .*subtraction, flair-threshold"):
        get_segmenter("magic")
    with pytest.raises(InvalidImage, match="runs on cpu, not on 'cuda:0'"):
        get_segmenter("subtraction", device="cuda:0")


def test_listing_imports_no_algorithm() -> None:
    code = (
        "import sys; from glioscope.segmentation import list_segmenters; list_segmenters(); "
        "sys.exit(any(m in sys.modules for m in ('torch', 'ants', 'glioscope.segmentation.subtraction')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_fake_gives_back_what_it_was_given() -> None:
    labels = Volume.of(np.array([[[0, 1, 2, 3]]], np.uint8), np.eye(4))
    brain = labels.with_data(labels.data >= 0)
    found = FakeSegmenter(labels).segment({}, brain)
    assert found.labels.data.tolist() == [[[0, 1, 2, 3]]]
    assert found.probabilities["TC"].data.tolist() == [[[0, 1, 0, 1]]]
    with pytest.raises(InvalidImage, match="does not lie on the grid"):
        FakeSegmenter(labels).segment({}, Volume.of(np.ones((2, 2, 2), bool), np.eye(4)))
    with pytest.raises(MissingSequence, match="'fake' needs FLAIR"):
        FakeSegmenter(labels, needs=frozenset({T2F})).segment({}, brain)
