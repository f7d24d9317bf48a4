from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glioscope.bundles import build_channels, parse_channel, parse_inputs
from glioscope.bundles.channels import FINDERS
from glioscope.core import InvalidImage, MissingSequence, Sequence, Volume
from glioscope.segmentation import find_entry, get_segmenter

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


@pytest.mark.parametrize(
    "text", ["t1", "subtraction:RC", "flair-threshold:ET", "default:WT", "t1c-", "t1c-t1n-t2w", "pre-pre-t1c", "", "pre-"]
)
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


def test_what_a_segmenter_finds_is_a_channel_from_minus_one_to_one() -> None:
    rng = np.random.default_rng(0)
    shape = (24, 36, 34)
    inside = np.zeros(shape, bool)
    inside[2:-2, 2:-2, 2:-2] = True
    images = {s: rng.normal(100, 5, shape).astype(np.float32) for s in ("t1n", "t1c", "t2f")}
    images["t2f"][5:12, 6:20, 6:20] += 80
    inputs = {"channels": ["t1c", "flair-threshold:WT", "subtraction:ET"], "optional": ["t1n", "t1c", "t2f"]}
    affine = np.diag([2.0, 1, 1, 1])
    out = build_channels(images, inside, inputs, affine)
    volume = Volume.of(images["t2f"], affine)
    expected = get_segmenter("flair-threshold").segment({Sequence.T2F: volume}, volume.with_data(inside))
    np.testing.assert_allclose(out[1], np.where(inside, 2 * expected.probabilities["WT"].data - 1, 0))
    assert (out[1] > 0).sum() > 200
    without = build_channels({"t1c": images["t1c"], "t2f": images["t2f"]}, inside, inputs, affine)
    np.testing.assert_array_equal(without[1], out[1])
    assert not without[2].any()


def test_the_finders_are_as_the_registry_tells_them() -> None:
    for name, (sources, regions) in FINDERS.items():
        entry = find_entry(name)
        assert (set(sources), regions, entry.trained) == (set(entry.needs), entry.regions, False)
        assert all(set(parse_channel(f"{name}:{region}").sources) == entry.needs for region in regions)
