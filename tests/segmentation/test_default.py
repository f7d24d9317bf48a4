"""What must hold of the model that ships, on synthetic exams; its accuracy on real ones is in docs/default.md."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from glioscope.atlas import atlas_volume
from glioscope.bundles import shipped_bundles
from glioscope.core import EngineMissing, Grid, Sequence, Volume, read_volume
from glioscope.segmentation import Segmentation, choose_segmenter, get_segmenter
from glioscope.segmentation.bundle_segmenter import BundleSegmenter
from glioscope.synthesis import synthesise_exam
from tests.segmentation.phantoms import dice

if not shipped_bundles():
    pytest.skip("no model ships yet; `make model` trains one", allow_module_level=True)

Images = Mapping[Sequence, Volume]


def made(folder: Path, seed: int, kind: str) -> tuple[Images, Volume]:
    try:
        maps = {key: atlas_volume("SRI24", key) for key in ("csf", "gm", "wm")}
    except EngineMissing as error:
        pytest.skip(str(error))
    exam = synthesise_exam(folder / kind, maps=maps, seed=seed, style="brats", kind=kind)  # type: ignore[arg-type]
    return {s: read_volume(path) for s, path in exam.images.items()}, exam.brain


@pytest.fixture(scope="module")
def exam(tmp_path_factory: pytest.TempPathFactory) -> tuple[Images, Volume]:
    return made(tmp_path_factory.mktemp("exam"), 3, "pre-operative")


@pytest.fixture(scope="module")
def answer(exam: tuple[Images, Volume]) -> Segmentation:
    return segment(*exam)


def segment(images: Images, brain: Volume, effort: str = "fast") -> Segmentation:
    segmenter = get_segmenter("default", effort=effort)
    assert isinstance(segmenter, BundleSegmenter)
    segmenter.backend, segmenter.precision = "torch", "fp32"  # nothing is tried and remembered
    return segmenter.segment(images, brain)


def test_it_is_small_and_taken_with_any_subset_of_the_sequences() -> None:
    folder = next(folder for folder in shipped_bundles() if folder.name == "default")
    assert sum(file.stat().st_size for file in folder.iterdir()) < 20e6
    for size in range(1, 5):
        for sequences in combinations(Sequence, size):
            assert choose_segmenter(sequences) == "default"
            measured = get_segmenter("default").measured(sequences)
            assert measured is not None
            assert ("ET" in measured.dice) == (Sequence.T1C in sequences)
    card = get_segmenter("default").card["model_card"]
    assert "Not a medical device" in card
    assert "SHA-256" in card


def test_the_same_input_gives_the_same_bits(exam: tuple[Images, Volume], answer: Segmentation) -> None:
    again = segment(*exam)
    np.testing.assert_array_equal(again.labels.data, answer.labels.data)
    np.testing.assert_array_equal(again.probabilities["WT"].data, answer.probabilities["WT"].data)
    assert answer.labels.data.any()


def test_scale_and_number_type_change_nothing(exam: tuple[Images, Volume], answer: Segmentation) -> None:
    images, brain = exam
    loud = {s: v.with_data(v.data.astype(np.float64) * 1000) for s, v in images.items()}
    assert (segment(loud, brain).labels.data != answer.labels.data).mean() < 1e-6


def test_padding_and_orientation_change_nothing(exam: tuple[Images, Volume], answer: Segmentation) -> None:
    images, brain = exam

    def moved(volume: Volume) -> Volume:
        affine = volume.grid.affine.copy()
        affine[:3, 3] = volume.grid.to_world([-5, -9, -2])
        data = np.pad(volume.data, [(5, 3), (9, 0), (2, 11)])
        return Volume(data, Grid((data.shape[0], data.shape[1], data.shape[2]), affine)).reoriented("PIR")

    found = segment({s: moved(v) for s, v in images.items()}, moved(brain)).labels.reoriented(brain.grid.orientation)
    assert dice(found.data[5:-3, 9:, 2:-11] > 0, answer.labels.data > 0) >= 0.98


@pytest.mark.parametrize("seed", [5, 6])
def test_a_healthy_brain_has_no_tumour(tmp_path: Path, seed: int) -> None:
    found = segment(*made(tmp_path, seed, "healthy"), effort="standard")
    assert found.labels.data.astype(bool).sum() < 100  # 0.1 ml
