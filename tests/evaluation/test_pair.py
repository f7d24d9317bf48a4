"""Hand-computed numbers, lesions, empty pairs and bad input."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from glioscope.core.errors import InvalidImage
from glioscope.evaluation import evaluate_pair, get_protocol
from tests.evaluation.shapes import cubes

SHAPE = (30, 10, 10)


def test_numbers_by_hand() -> None:
    reference = cubes(SHAPE, (1, (1, 1, 1), (4, 4, 4)), (1, (20, 1, 1), (2, 2, 2)))
    prediction = cubes(SHAPE, (1, (2, 1, 1), (4, 4, 4)), (1, (12, 1, 1), (3, 3, 3)))
    scores = evaluate_pair(prediction, reference, (1, 1, 2), "general", case_id="P1")
    region = scores.regions["WT"]
    assert scores.id == "P1"
    assert [(lesion.kind, lesion.reference_volume_mm3, lesion.predicted_volume_mm3) for lesion in region.lesions] == [
        ("tp", 128, 128),
        ("fn", 16, 0),
        ("fp", 0, 54),
    ]
    expected = {
        "tp": 1,
        "fp": 1,
        "fn": 1,
        "lesion_dice": 0.75 / 3,
        "lesion_hd95": (1 + 374 + 374) / 3,
        "dice": 2 * 48 / (72 + 91),
        "jaccard": 48 / (72 + 91 - 48),
        "sensitivity": 48 / 72,
        "precision": 48 / 91,
        "specificity": (3000 - 72 - 43) / (3000 - 72),
        "pq": 0.6 / 2,
        "sq": 0.6,
        "rq": 0.5,
        "reference_volume_mm3": 144,
        "predicted_volume_mm3": 182,
        "volume_error_mm3": 38,
        "volume_error_relative": 38 / 144,
    }
    assert {name: region.values[name] for name in expected} == pytest.approx(expected)
    assert set(region.values) == set(get_protocol("general").definitions)


def test_lesions_merge_and_match_by_growth() -> None:
    # Six voxels of background lie between the parts of the reference: growing by three from each side, they are one lesion.
    reference = cubes(SHAPE, (1, (1, 1, 1), (4, 4, 4)), (1, (11, 1, 1), (4, 4, 4)))
    near = cubes(SHAPE, (1, (17, 1, 1), (4, 4, 4)))
    far = cubes(SHAPE, (1, (18, 1, 1), (4, 4, 4)))
    found = [evaluate_pair(prediction, reference, (1, 1, 1), "brats-2023-gli").regions["WT"] for prediction in (near, far)]
    assert [[lesion.kind for lesion in region.lesions] for region in found] == [["tp"], ["fn", "fp"]]
    assert found[0].values["lesion_dice"] == 0


def test_small_reference_lesions_do_not_count() -> None:
    reference = cubes(SHAPE, (1, (1, 1, 1), (5, 5, 2)), (1, (20, 1, 1), (5, 5, 3)))
    prediction = cubes(SHAPE, (1, (1, 1, 1), (5, 5, 2)))
    region = evaluate_pair(prediction, reference, (1, 1, 1), "brats-2023-gli").regions["WT"]
    assert [(lesion.kind, lesion.counted) for lesion in region.lesions] == [("tp", False), ("fn", True)]
    assert (region.values["tp"], region.values["fn"], region.values["lesion_dice"]) == (0, 1, 0)


@pytest.mark.parametrize("protocol", ["brats-2023-gli", "brats-2024-gli", "brats-2024-gli-corrected", "general"])
def test_empty_pairs(protocol: str) -> None:
    empty, lesion = np.zeros(SHAPE, np.uint8), cubes(SHAPE, (3, (1, 1, 1), (5, 5, 5)))
    penalty = 337 if protocol == "brats-2024-gli" else 374
    neither = evaluate_pair(empty, empty, (1, 1, 1), protocol).regions["ET"].values
    assert (neither["dice"], neither["lesion_dice"], neither["hd95"], neither["lesion_hd95"]) == (1, 1, 0, 0)
    for pair in ((lesion, empty), (empty, lesion)):
        one = evaluate_pair(pair[0], pair[1], (1, 1, 1), protocol).regions["ET"].values
        assert (one["dice"], one["lesion_dice"], one["hd95"], one["lesion_hd95"]) == (0, 0, penalty, penalty)
        assert json.loads(json.dumps(one, allow_nan=False)) == one


def test_arrays_of_any_kind_and_order() -> None:
    labels = cubes(SHAPE, (1, (1, 1, 1), (4, 4, 4)), (3, (2, 2, 2), (2, 2, 2)))
    prediction = np.roll(labels, 1, axis=0)
    expected = evaluate_pair(prediction, labels, (1, 1, 1), "brats-2024-gli").regions
    for kind in (np.int64, np.float32, np.float64, np.uint16):
        pair = np.asfortranarray(prediction).astype(kind), labels[::-1].copy()[::-1].astype(kind)
        assert evaluate_pair(pair[0], pair[1], np.ones(3, np.float32), "brats-2024-gli").regions == expected


def test_inputs_stay_as_they_are() -> None:
    labels = cubes(SHAPE, (2, (1, 1, 1), (4, 4, 4)))
    before = labels.copy()
    evaluate_pair(labels, labels, (1, 1, 1), "brats-2024-gli")
    assert np.array_equal(labels, before)


GOOD = np.zeros((4, 4, 4), np.uint8)


@pytest.mark.parametrize(
    ("prediction", "spacing", "message"),
    [
        (np.zeros((4, 4), np.uint8), (1, 1, 1), "The prediction is 2-D, but a label map has three dimensions."),
        (np.zeros((0, 4, 4), np.uint8), (1, 1, 1), "The prediction has no voxels."),
        (np.zeros((4, 4, 5), np.uint8), (1, 1, 1), "has 4 x 4 x 5 voxels but the reference 4 x 4 x 4"),
        (np.full((4, 4, 4), np.nan), (1, 1, 1), "not finite"),
        (np.full((4, 4, 4), np.inf), (1, 1, 1), "not finite"),
        (np.full((4, 4, 4), 0.5), (1, 1, 1), "has the values 0.5, but labels are whole numbers"),
        (np.full((4, 4, 4), -1), (1, 1, 1), "has the values -1,"),
        (np.full((4, 4, 4), 300), (1, 1, 1), "has the values 300,"),
        (np.full((4, 4, 4), "a"), (1, 1, 1), "a label map holds whole numbers"),
        (np.full((4, 4, 4), 9, np.uint8), (1, 1, 1), "has the value 9, which protocol 'general' does not know"),
        (np.arange(64, dtype=np.uint8).reshape(4, 4, 4) % 7, (1, 1, 1), "has the values 4, 5, 6, which"),
        (GOOD, (1, 1), "spacing is 1, 1, but"),
        (GOOD, (1, 1, 0), "spacing is 1, 1, 0, but"),
        (GOOD, (1, 1, np.nan), "above 0 mm"),
    ],
)
def test_bad_input_is_one_sentence(prediction: Any, spacing: Any, message: str) -> None:
    with pytest.raises(InvalidImage) as error:
        evaluate_pair(prediction, GOOD, spacing, "general")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_unknown_protocol_lists_the_known_ones() -> None:
    with pytest.raises(InvalidImage, match="no protocol 'brats-1999'; known are brats-2023-gli, "):
        get_protocol("brats-1999")


@pytest.mark.parametrize("scheme", ["brats-2021", "brats-ped", "residual"])
def test_general_protocol_takes_any_scheme(scheme: str) -> None:
    protocol = get_protocol("general", scheme)
    scores = evaluate_pair(GOOD, GOOD, (1, 1, 1), protocol)
    assert list(scores.regions) == list(protocol.regions)
