"""Subtraction: a rim with its core, an exam without enhancement, nesting and invariances."""

from __future__ import annotations

import numpy as np
import pytest

from glioscope.core import MissingSequence, Sequence
from glioscope.segmentation import get_segmenter
from tests.segmentation.phantoms import dice, phantom


def test_a_rim_with_its_core_and_its_oedema() -> None:
    images, brain, truth = phantom()
    found = get_segmenter("subtraction").segment(images, brain)
    labels = found.labels.data
    assert dice(labels == 3, truth == 3) > 0.85
    assert dice(np.isin(labels, (1, 3)), np.isin(truth, (1, 3))) > 0.88
    assert dice(labels > 0, truth > 0) > 0.88
    assert dice(labels == 1, truth == 1) > 0.75


def test_probabilities_are_nested_and_agree_with_the_labels() -> None:
    images, brain, _ = phantom()
    found = get_segmenter("subtraction").segment(images, brain)
    wt, tc, et = (found.probabilities[r].data for r in ("WT", "TC", "ET"))
    assert (wt >= tc).all()
    assert (tc >= et).all()
    labels = found.labels.data
    for probability, mask in ((wt, labels > 0), (tc, np.isin(labels, (1, 3))), (et, labels == 3)):
        np.testing.assert_array_equal(probability > 0.5, mask)


def test_no_enhancement_gives_none() -> None:
    images, brain, truth = phantom(enhancing=False)
    found = get_segmenter("subtraction").segment(images, brain)
    assert not (found.labels.data == 3).any()
    assert dice(found.labels.data > 0, truth > 0) > 0.88


def test_enhancement_far_from_the_flair_abnormality_is_a_vessel() -> None:
    images, brain, _ = phantom()
    data = images[Sequence.T1C].data.copy()
    data[20:24, 40:50, 20:24] += 150
    found = get_segmenter("subtraction").segment({**images, Sequence.T1C: brain.with_data(data)}, brain)
    assert not found.labels.data[18:26, 38:52, 18:26].any()


@pytest.mark.parametrize("axes", ["LPS", "SRA"])
def test_orientation_changes_nothing(axes: str) -> None:
    images, brain, _ = phantom()
    plain = get_segmenter("subtraction").segment(images, brain)
    turned = get_segmenter("subtraction").segment({s: v.reoriented(axes) for s, v in images.items()}, brain.reoriented(axes))
    np.testing.assert_array_equal(turned.labels.reoriented("RAS").data, plain.labels.data)


def test_scale_and_number_type_of_each_image_change_nothing() -> None:
    images, brain, _ = phantom()
    plain = get_segmenter("subtraction").segment(images, brain)
    scaled = {
        Sequence.T1N: brain.with_data((images[Sequence.T1N].data * 1000).astype(np.float64)),
        Sequence.T1C: brain.with_data(images[Sequence.T1C].data.astype(np.int16)),
        Sequence.T2F: brain.with_data(images[Sequence.T2F].data * 0.01),
    }
    other = get_segmenter("subtraction").segment(scaled, brain)
    assert (other.labels.data != plain.labels.data).sum() <= 10  # rounding beside the thresholds


def test_padding_changes_nothing() -> None:
    images, brain, _ = phantom()
    plain = get_segmenter("subtraction").segment(images, brain)
    padded = get_segmenter("subtraction").segment(
        {s: v.with_data(np.pad(v.data, 9)) for s, v in images.items()}, brain.with_data(np.pad(brain.data, 9))
    )
    np.testing.assert_array_equal(padded.labels.data[9:-9, 9:-9, 9:-9], plain.labels.data)


def test_what_is_missing_is_named_and_what_could_work_instead() -> None:
    images, brain, _ = phantom()
    with pytest.raises(MissingSequence, match=r"'subtraction' needs T1 and T1 \+ contrast.* flair-threshold.* could work"):
        get_segmenter("subtraction").segment({Sequence.T2F: images[Sequence.T2F]}, brain)
