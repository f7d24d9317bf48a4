from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glioscope.bundles import build_channels, parse_channel, parse_inputs
from glioscope.core import InvalidImage, MissingSequence, Sequence

BRAIN = np.array([[[True, True, False]]])
T1C = np.array([[[1.0, 3.0, 100.0]]])  # z-scored -1, 1
T1N = np.array([[[30.0, 10.0, 100.0]]])  # z-scored 1, -1
PLAIN = {"channels": ["t1c", "t1n", "t1c-t1n"], "normalisation": "zscore"}


def test_channels_are_normalised_once_and_subtracted_afterwards() -> None:
    out = build_channels({Sequence.T1C: T1C, Sequence.T1N: T1N}, BRAIN, PLAIN)
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, [[[[-1, 1, 0]]], [[[1, -1, 0]]], [[[-2, 2, 0]]]])


def test_an_optional_sequence_that_is_not_there_leaves_its_channels_zero() -> None:
    out = build_channels({"t1c": T1C}, BRAIN, {**PLAIN, "optional": ["t1n"]})
    np.testing.assert_allclose(out, [[[[-1, 1, 0]]], [[[0, 0, 0]]], [[[0, 0, 0]]]])


def test_a_needed_sequence_that_is_not_there_is_named() -> None:
    with pytest.raises(MissingSequence, match="needs T1, which the exam lacks"):
        build_channels({"t1c": T1C}, BRAIN, PLAIN)
    with pytest.raises(MissingSequence, match="the FLAIR of the earlier exam"):
        build_channels({}, BRAIN, {"channels": ["pre-t2f"]})


def test_an_earlier_exam_and_its_mask() -> None:
    inputs = {"channels": ["t1c", "pre-t1c", "pre-mask"], "normalisation": {"t1c": "none", "pre-t1c": "zscore"}}
    out = build_channels({"t1c": T1C, "pre-t1c": T1N, "pre-mask": np.array([[[0, 3, 1]]])}, BRAIN, inputs)
    np.testing.assert_allclose(out, [[[[1, 3, 0]]], [[[1, -1, 0]]], [[[0, 1, 0]]]])


def test_histogram_takes_the_reference_of_its_image() -> None:
    image = np.arange(101, dtype=float).reshape(1, 1, -1)
    inputs = {"channels": ["t2f"], "normalisation": "histogram", "reference": {"t2f": [0.0, 10.0]}}
    out = build_channels({"t2f": image}, np.ones_like(image), inputs)
    assert float(out[0, 0, 0, 50]) == pytest.approx(5, abs=0.1)


@pytest.mark.parametrize("text", ["t1", "t1c-", "t1c-t1n-t2w", "pre-pre-t1c", "", "pre-"])
def test_what_is_no_channel(text: str) -> None:
    with pytest.raises(InvalidImage, match=f"no channel '{text}'"):
        parse_channel(text)


def test_a_difference_of_two_exams() -> None:
    assert parse_channel("t1c-pre-t1c").sources == ("t1c", "pre-t1c")
    assert parse_channel("pre-t1c-pre-t1n").sources == ("pre-t1c", "pre-t1n")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"channels": []}, "at least one channel"),
        ({"channels": "t1c"}, "not a list"),
        ({"normalization": "zscore"}, "no key 'normalization'; did you mean 'normalisation'"),
        ({"normalisation": "zscores"}, "no normalisation 'zscores'; did you mean 'zscore'"),
        ({"normalisation": {"t1c": "zscore"}}, "says nothing of 't1n'"),
        ({"optional": ["t2w"]}, "'inputs.optional' names 't2w'"),
    ],
)
def test_wrong_inputs_are_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidImage, match=said):
        parse_inputs({**PLAIN, **change})


def test_images_of_another_shape_are_refused() -> None:
    with pytest.raises(InvalidImage, match=r"'t1c' has the shape \(1, 1, 2\)"):
        build_channels({"t1c": T1C[..., :2]}, BRAIN, {"channels": ["t1c"]})
