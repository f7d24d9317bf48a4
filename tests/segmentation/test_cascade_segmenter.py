from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from glioscope.bundles import read_bundle, write_bundle
from glioscope.bundles.import_cascade import import_cascade
from glioscope.core import InputUnreadable, MissingSequence, Sequence, Volume, read_labels, read_volume
from glioscope.segmentation.cascade_segmenter import CascadeSegmenter
from glioscope.segmentation.nested_regions import clean_core, clean_nested, clean_whole
from tests.bundles.cascade_weights import write_weights

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@pytest.fixture(scope="module")
def cascade(tmp_path_factory: pytest.TempPathFactory) -> CascadeSegmenter:
    torch.set_num_threads(1)
    place = tmp_path_factory.mktemp("cascade")
    bundle = import_cascade(write_weights(place / "npz"), place / "bundle")
    document = {key: value for key, value in bundle.document.items() if key != "format"}
    for stage in document["stages"]:
        for view in stage["views"].values():
            view["least"] = [12, 12]
    write_bundle(bundle.folder, document)
    return CascadeSegmenter(read_bundle(bundle.folder))


def _exam() -> tuple[dict[Sequence, Volume], Volume]:
    rng = np.random.default_rng(1)
    inside = np.zeros((16, 18, 14), bool)
    inside[2:-2, 3:-3, 2:-2] = True
    images = {s: Volume.of((rng.uniform(50, 100, inside.shape) * inside).astype(np.float32), LPS) for s in Sequence}
    return images, Volume.of(inside, LPS)


def test_same_exam_same_answer_and_nested_regions(cascade: CascadeSegmenter) -> None:
    images, brain = _exam()
    first, second = cascade.segment(images, brain), cascade.segment(images, brain)
    np.testing.assert_array_equal(first.labels.data, second.labels.data)
    halves = {region: volume.data > 0.5 for region, volume in first.probabilities.items()}
    assert not (halves["TC"] & ~halves["WT"]).any()
    assert not (halves["ET"] & ~halves["TC"]).any()
    for region, values in (("WT", (1, 2, 4)), ("TC", (1, 4)), ("ET", (4,))):
        np.testing.assert_array_equal(halves[region], np.isin(first.labels.data, values))
    assert not first.labels.data[~brain.data].any()


def test_the_orientation_of_the_exam_does_not_matter(cascade: CascadeSegmenter) -> None:
    images, brain = _exam()
    straight = cascade.segment(images, brain).labels
    turned = cascade.segment({s: v.reoriented("RSA") for s, v in images.items()}, brain.reoriented("RSA")).labels
    np.testing.assert_array_equal(turned.reoriented("LPS").data, straight.data)


def test_a_missing_sequence_and_a_wrong_document_cost_a_sentence(cascade: CascadeSegmenter, tmp_path: Path) -> None:
    images, brain = _exam()
    with pytest.raises(MissingSequence, match="needs T2,"):
        cascade.segment({s: v for s, v in images.items() if s != Sequence.T2W}, brain)
    document = dict(cascade.bundle.document) | {"members": []}
    write_bundle(tmp_path, document)
    with pytest.raises(InputUnreadable, match="axial of stage WT"):
        CascadeSegmenter(read_bundle(tmp_path))


def _blocks(*boxes: tuple[int, int]) -> np.ndarray:
    """Bars of 15 x 15 voxels along the first axis."""
    out = np.zeros((80, 15, 15), bool)
    for low, high in boxes:
        out[low:high] = True
    return out


def test_whole_tumour_keeps_what_is_large_or_the_largest() -> None:
    np.testing.assert_array_equal(clean_whole(_blocks((0, 20), (30, 38), (50, 60))), _blocks((0, 20), (50, 60)))  # 1800 goes
    np.testing.assert_array_equal(clean_whole(_blocks((0, 3), (30, 32))), _blocks((0, 3)))
    assert not clean_whole(_blocks()).any()


def test_core_keeps_a_second_part_above_a_tenth_of_the_first() -> None:
    np.testing.assert_array_equal(clean_core(_blocks((0, 20), (30, 33), (50, 54))), _blocks((0, 20), (50, 54)))
    np.testing.assert_array_equal(clean_core(_blocks((0, 20), (30, 32))), _blocks((0, 20)))


def test_core_outside_the_whole_tumour_and_few_enhancing_voxels_go() -> None:
    few = _blocks()
    few[5, 5, 5:8] = True
    whole, core, enhancing = clean_nested(_blocks((0, 20)), _blocks((2, 10), (40, 60)), few)
    np.testing.assert_array_equal(whole, _blocks((0, 20)))
    np.testing.assert_array_equal(core, _blocks((2, 10)))
    assert not enhancing.any()


@pytest.mark.slow
@pytest.mark.parametrize("case", ["BraTS2021_01659", "Brats18_2013_21_1"])
def test_published_weights_find_the_whole_tumour(case: str, tmp_path: Path, test_data: Path) -> None:
    weights, exam = test_data / "weights" / "cascaded-anisotropic-2017", test_data / "exams" / "glioma-labelled" / case
    if not weights.is_dir():
        pytest.skip(f"the published weights are not in '{weights}'")
    names = {"flair": Sequence.T2F, "t1": Sequence.T1N, "t1ce": Sequence.T1C, "t2": Sequence.T2W}
    images = {s: read_volume(next(exam.glob(f"{case}_{name}.nii*"))) for name, s in names.items()}
    brain = images[Sequence.T2F].with_data(np.any([v.data != 0 for v in images.values()], axis=0))
    found = CascadeSegmenter(import_cascade(weights, tmp_path / "bundle")).segment(images, brain).labels.data > 0
    reference = read_labels(next(exam.glob(f"{case}_seg.nii*"))).data > 0
    assert 2 * (found & reference).sum() / (found.sum() + reference.sum()) >= 0.93
