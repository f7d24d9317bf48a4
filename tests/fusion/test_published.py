"""Fusions published with the exams they were made from: reproduced, or known to come from other masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from glioscope.core import SCHEMES, read_labels, region_mask
from glioscope.fusion import fuse_labels
from tests.fusion.maps import Labels

SCHEME = SCHEMES["brats-2021"]


Exam = dict[str, dict[str, Labels]]


def load(exam: Path) -> Exam:
    """Folder -> name -> array as stored (some published headers differ), in the box of all masks."""
    files = [*sorted(exam.glob("*/*.nii.gz")), *exam.glob("reference.nii.gz")]
    maps = {path: read_labels(path).data for path in files if path.parent.name != "atlas-space"}
    (box,) = ndimage.find_objects(np.any(list(maps.values()), axis=0).astype(np.uint8))
    found: Exam = {}
    for path, labels in maps.items():
        found.setdefault(path.parent.name, {})[path.name.removesuffix(".nii.gz")] = labels[box]
    return found


@pytest.fixture(scope="module")
def cbica(test_data: Path) -> Exam:
    return load(test_data / "exams" / "raters" / "BraTS19_CBICA_AAM_1")


def test_majority_and_simple_of_five_programs_to_the_voxel(test_data: Path) -> None:
    exam = load(test_data / "exams" / "raters" / "TCGA-FG-6692")
    maps, published = list(exam["algorithms"].values()), exam["published-fusions"]
    np.testing.assert_array_equal(fuse_labels(maps, SCHEME).labels, published["mav"])
    np.testing.assert_array_equal(fuse_labels(maps, SCHEME, "simple", by="labels").labels, published["simple"])


def test_majority_of_six_algorithms_up_to_the_mask_that_was_another_one(cbica: Exam) -> None:
    algorithms, published = cbica["algorithms"], cbica["published-fusions"]
    ours = fuse_labels(list(algorithms.values()), SCHEME, tie="background").labels
    differ = ours != published["mv"]
    assert differ.sum() == 133
    others = np.stack([one for name, one in algorithms.items() if name != "gbmnet18"])
    theirs = published["mv"][differ]
    votes = (others[:, differ] == theirs).sum(axis=0)
    most = np.max([(others[:, differ] == value).sum(axis=0) for value in (1, 2, 4)], axis=0)
    # With another vote of gbmnet18 every one of them follows: a fourth vote for the label, or no label with four votes.
    assert np.where(theirs > 0, votes >= 3, most <= 3).all()
    np.testing.assert_array_equal(published["simple"], algorithms["unet"])


def test_fusion_is_better_than_the_mean_algorithm(cbica: Exam) -> None:
    algorithms, reference = cbica["algorithms"], cbica["BraTS19_CBICA_AAM_1"]["reference"]

    def dice(labels: Labels) -> float:
        pairs = [(region_mask(labels, SCHEME, r), region_mask(reference, SCHEME, r)) for r in ("WT", "TC", "ET")]
        return float(np.mean([2 * (a & b).sum() / (a.sum() + b.sum()) for a, b in pairs]))

    single = [dice(one) for one in algorithms.values()]
    fused = dice(fuse_labels(list(algorithms.values()), SCHEME, by="regions").labels)
    assert fused > np.mean(single) + 0.005
    assert sum(fused > one for one in single) == 4
