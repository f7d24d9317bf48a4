"""What must hold of the model for exams after surgery, on a synthetic one; what it was measured to do is in its card."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pytest

from glioscope.atlas import atlas_volume
from glioscope.bundles import shipped_bundles
from glioscope.core import EngineMissing, Sequence, Volume, read_volume
from glioscope.normalisation import matched_subtraction
from glioscope.segmentation import Segmentation, choose_segmenter, find_entry, get_segmenter
from glioscope.segmentation.bundle_segmenter import BundleSegmenter
from glioscope.segmentation.unenhanced import LEAST_RISE
from glioscope.synthesis import SyntheticExam, synthesise_exam
from tests.segmentation.phantoms import dice

Images = Mapping[Sequence, Volume]


@pytest.fixture(scope="module")
def exam(tmp_path_factory: pytest.TempPathFactory) -> tuple[Images, SyntheticExam]:
    try:
        maps = {key: atlas_volume("SRI24", key) for key in ("csf", "gm", "wm")}
    except EngineMissing as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("after") / "exam"
    made = synthesise_exam(folder, maps=maps, seed=11, style="brats", kind="post-operative", residual_ml=1.0)
    return {s: read_volume(path) for s, path in made.images.items()}, made


def segment(images: Images, brain: Volume) -> Segmentation:
    segmenter = get_segmenter("after-surgery")
    assert isinstance(segmenter, BundleSegmenter)
    segmenter.backend, segmenter.precision = "torch", "fp32"  # nothing is tried and remembered
    return segmenter.segment(images, brain)


def test_it_ships_and_is_never_taken_unasked() -> None:
    folder = next(folder for folder in shipped_bundles() if folder.name == "after-surgery")
    assert sum(file.stat().st_size for file in folder.iterdir()) < 20e6
    assert not find_entry("after-surgery").automatic
    assert {choose_segmenter(some) for size in range(1, 5) for some in combinations(Sequence, size)} == {"default"}
    segmenter = get_segmenter("after-surgery")
    card = segmenter.card["model_card"]
    assert "Not a medical device" in card
    assert "has never seen a real exam after surgery" in card
    measured = segmenter.measured(list(Sequence))
    assert measured is not None
    assert "made exams" in measured.exams
    assert {"WT", "TC", "ET", "RC"} <= measured.volume_factors.keys()
    assert measured.cut is not None


def test_it_finds_the_cavity_and_gives_its_labels(exam: tuple[Images, SyntheticExam]) -> None:
    images, made = exam
    found = segment(images, made.brain)
    value = made.scheme.value_of("RC")
    assert dice(found.labels.data == value, made.labels.data == value) >= 0.8
    assert set(np.unique(found.labels.data)) <= {0, 1, 2, 3, 4}
    assert found.probabilities.keys() == {"WT", "TC", "ET", "RC"}
    inside = np.maximum(found.probabilities["WT"].data, found.probabilities["RC"].data) >= 0.5
    rise = matched_subtraction(images[Sequence.T1N].data, images[Sequence.T1C].data, made.brain.data & ~inside)
    enhancing = found.labels.data == made.scheme.value_of("ET")
    assert enhancing.any()
    assert rise[enhancing].min() >= LEAST_RISE  # blood is as bright before contrast
    assert found.facts["unenhanced_ml"] > 0


def test_nothing_enhances_where_there_is_no_contrast_image(exam: tuple[Images, SyntheticExam]) -> None:
    images, made = exam
    found = segment({s: image for s, image in images.items() if s is not Sequence.T1C}, made.brain)
    assert "ET" not in found.probabilities
    assert not (found.labels.data == made.scheme.value_of("ET")).any()
