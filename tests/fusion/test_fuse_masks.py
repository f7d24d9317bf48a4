"""One mask from several: answers by hand, and what must hold for every method."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from glioscope.core import InvalidImage
from glioscope.fusion import MaskFusion, fuse_masks
from tests.fusion.maps import ball, label_maps, rated

METHODS = ("majority", "weighted", "simple", "staple", "at-least")


def fuse(masks: list[NDArray[Any]], method: str, order: list[int] | None = None) -> MaskFusion:
    order = order or list(range(len(masks)))
    weights = tuple(1 + 0.3 * rater for rater in range(len(masks)))
    options: dict[str, dict[str, Any]] = {
        "weighted": {"weights": {"": tuple(weights[rater] for rater in order)}},
        "at-least": {"k": (len(masks) + 1) // 2},
    }
    return fuse_masks([masks[rater] for rater in order], method, **options.get(method, {}))


def test_majority_by_hand() -> None:
    masks = [np.array(row, bool) for row in ([1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0])]
    assert fuse_masks(masks).mask.tolist() == [True, True, False, False]  # half is enough
    assert fuse_masks(masks, tie="background").mask.tolist() == [True, False, False, False]
    assert fuse_masks(masks).support.tolist() == [1, 0.5, 0.25, 0]
    assert fuse_masks(masks).decision.undecided == 1


def test_weighted_votes_by_hand() -> None:
    masks = [np.array(row, bool) for row in ([1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 0])]
    done = fuse_masks(masks, "weighted", weights={"": (0.5, 0.2, 0.3)})
    assert done.mask.tolist() == [True, False, False, True]
    np.testing.assert_allclose(done.support, [0.5, 0.2, 0.3, 0.7])
    assert done.decision.kept.tolist() == [True, True, True]


@pytest.mark.parametrize("weights", [(1.0,), (1.0, -1.0, 1.0), (0.0, 0.0, 0.0), (1.0, float("nan"), 1.0)])
def test_weights_that_are_none(weights: tuple[float, ...]) -> None:
    with pytest.raises(InvalidImage, match="weights are needed"):
        fuse_masks([np.ones(3, bool)] * 3, "weighted", weights={"": weights})


def test_at_least_k_of_n_by_hand() -> None:
    masks = [np.array(row, bool) for row in ([1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0])]
    for k, expected in ((1, [1, 1, 1, 0]), (2, [1, 1, 0, 0]), (3, [1, 0, 0, 0])):
        assert fuse_masks(masks, "at-least", k=k).mask.tolist() == [bool(v) for v in expected]
    for k in (0, 4):
        with pytest.raises(InvalidImage, match="from 1 to 3"):
            fuse_masks(masks, "at-least", k=k)


@pytest.mark.parametrize("method", METHODS)
@given(label_maps(most=1, labels=(0, 1)), st.integers(1, 7))
@settings(max_examples=25)
def test_identical_masks_fuse_to_that_mask(method: str, maps: list[NDArray[np.uint8]], raters: int) -> None:
    done = fuse(maps * raters, method)
    np.testing.assert_array_equal(done.mask, maps[0] > 0)
    assert done.decision.kept.all()
    assert done.decision.converged


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0, 1])
def test_all_background_and_all_foreground(method: str, value: int) -> None:
    assert (fuse([np.full((2, 3, 4), value, np.uint8)] * 3, method).mask == bool(value)).all()


@pytest.mark.parametrize("method", METHODS)
@given(label_maps(least=2, labels=(0, 1)), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_rater_order_never_matters(method: str, maps: list[NDArray[np.uint8]], random: Any) -> None:
    order = list(range(len(maps)))
    random.shuffle(order)
    plain, shuffled = fuse(maps, method), fuse(maps, method, order)
    np.testing.assert_array_equal(shuffled.mask, plain.mask)
    np.testing.assert_allclose(shuffled.support, plain.support, atol=1e-6)
    np.testing.assert_array_equal(shuffled.decision.kept, plain.decision.kept[order])


@pytest.mark.parametrize("method", METHODS)
@given(label_maps(least=2, labels=(0, 1)), st.permutations([0, 1, 2]), st.tuples(*[st.booleans()] * 3))
@settings(max_examples=25)
def test_flips_and_permutations_of_axes_change_nothing(
    method: str, maps: list[NDArray[np.uint8]], axes: list[int], flips: tuple[bool, bool, bool]
) -> None:
    flipped = tuple(axis for axis, flip in enumerate(flips) if flip)

    def turned(one: NDArray[Any]) -> NDArray[Any]:
        return np.flip(one.transpose(axes), flipped)

    np.testing.assert_array_equal(fuse([turned(m) for m in maps], method).mask, turned(fuse(maps, method).mask))


@pytest.mark.parametrize("method", ["majority", "weighted", "simple", "at-least"])
@given(label_maps(least=2, labels=(0, 1)))
@settings(max_examples=25)
def test_zero_padding_changes_nothing(method: str, maps: list[NDArray[np.uint8]]) -> None:
    padded = fuse([np.pad(m, 2) for m in maps], method).mask
    np.testing.assert_array_equal(padded, np.pad(fuse(maps, method).mask, 2))


def test_padding_changes_staple_only_through_the_prior() -> None:
    truth = ball((24, 24, 24), (12, 12, 12), 7)
    masks = rated(truth, [0.9, 0.8, 0.85], [0.98, 0.99, 0.97])
    done = [fuse_masks([np.pad(m, pad) for m in masks], "staple") for pad in (0, 3, 40)]
    assert done[0].decision.prior > done[2].decision.prior  # type: ignore[operator]
    assert done[2].mask.sum() <= done[0].mask.sum()  # a rarer thing needs more evidence


def test_staple_recovers_planted_sensitivities_and_specificities() -> None:
    truth = ball((80, 80, 60), (40, 38, 30), 22)
    p, q = [0.95, 0.9, 0.8, 0.7, 0.6], [0.99, 0.999, 0.97, 0.9, 0.95]
    done = fuse_masks(rated(truth, p, q), "staple")
    assert done.decision.sensitivity is not None
    assert done.decision.specificity is not None
    np.testing.assert_allclose(done.decision.sensitivity, p, atol=0.02)
    np.testing.assert_allclose(done.decision.specificity, q, atol=0.02)
    assert done.decision.converged
    assert (done.mask != truth).mean() < 0.01


def test_an_estimated_prior_does_right_by_what_is_rarer_than_errors() -> None:
    truth = ball((80, 80, 60), (40, 40, 30), 13)  # 2 % of the volume, with 5 % of false votes around it
    p, q = [0.9, 0.85, 0.8, 0.75], [0.95, 0.94, 0.96, 0.95]
    fixed, estimated = (fuse_masks(rated(truth, p, q), "staple", prior=prior).decision for prior in (None, "estimate"))
    assert fixed.sensitivity is not None
    assert estimated.sensitivity is not None
    assert estimated.prior is not None
    np.testing.assert_allclose(estimated.sensitivity, p, atol=0.02)
    np.testing.assert_allclose(estimated.prior, truth.mean(), rtol=0.1)
    assert np.abs(fixed.sensitivity - p).max() > 0.05  # what ITK gives


def test_staple_makes_the_decisions_of_simpleitk() -> None:
    import SimpleITK as sitk

    for seed, p, q in ((0, [0.9, 0.8, 0.85, 0.6], [0.99, 0.98, 0.9, 0.95]), (1, [0.7, 0.7], [0.9, 0.99])):
        masks = rated(ball((40, 36, 30), (20, 18, 15), 11), p, q, seed)
        peer = sitk.STAPLEImageFilter()
        peer.SetForegroundValue(1)
        theirs = sitk.GetArrayFromImage(peer.Execute([sitk.GetImageFromArray(m.astype(np.uint8)) for m in masks]))
        done = fuse_masks(masks, "staple")
        np.testing.assert_allclose(done.support, theirs, atol=1e-5)
        assert ((theirs > 0.5) == done.mask).mean() >= 0.9999
        assert done.decision.sensitivity is not None
        np.testing.assert_allclose(done.decision.sensitivity, peer.GetSensitivity(), atol=1e-6)


def test_staple_takes_a_prior_and_splits_ties_by_the_rule() -> None:
    a, b = np.array([1, 1, 0, 0], bool), np.array([1, 0, 1, 0], bool)
    kept, dropped = (fuse_masks([a, b], "staple", prior=0.5, tie=tie) for tie in ("foreground", "background"))
    assert kept.decision.undecided == dropped.decision.undecided == 2
    assert kept.mask.tolist() == [True, True, True, False]
    assert dropped.mask.tolist() == [True, False, False, False]
    for prior in (0.0, 1.0, -1.0, float("nan")):
        with pytest.raises(InvalidImage, match="above 0 and below 1"):
            fuse_masks([a, b], "staple", prior=prior)


def test_simple_drops_the_hopeless_rater_and_only_that() -> None:
    truth = ball((40, 40, 30), (14, 20, 15), 9)
    good = rated(truth, [0.95, 0.9, 0.85, 0.8], [0.999] * 4)
    hopeless = ball((40, 40, 30), (33, 20, 15), 6)
    done = fuse_masks([*good[:2], hopeless, *good[2:]], "simple")
    assert done.decision.kept.tolist() == [True, True, False, True, True]
    assert done.decision.weights[2] == 0
    assert done.decision.converged
    np.testing.assert_array_equal(done.mask, fuse_masks(good, "simple").mask)
    assert (done.mask & hopeless).sum() < 0.02 * hopeless.sum()


def test_simple_by_hand() -> None:
    a, b, c = (np.array(row, bool) for row in ([1, 1, 1, 1, 0, 0], [1, 1, 1, 0, 0, 0], [0, 0, 1, 0, 1, 1]))
    # Majority: voxels 0 to 2. Dice with it: a 6/7, b 1, c 1/3 < half of the best, dropped; then a and b: voxel 3 has
    # the share (6/7) / (6/7 + 1) = 6/13 and stays out; nothing changes any more.
    done = fuse_masks([a, b, c], "simple")
    assert done.mask.tolist() == [True, True, True, False, False, False]
    np.testing.assert_allclose(done.decision.weights, [6 / 7, 1, 0])
    np.testing.assert_allclose(done.support[3], 6 / 13)
    assert done.decision.rounds == 2
    assert fuse_masks([a, b, c], "simple", threshold=0).decision.kept.all()


@given(label_maps(least=1, most=9, labels=(0, 1)), st.floats(0, 0.99))
@settings(max_examples=80)
def test_simple_never_drops_everyone(maps: list[NDArray[np.uint8]], threshold: float) -> None:
    done = fuse_masks(maps, "simple", threshold=threshold)
    assert done.decision.kept.any()
    assert done.decision.rounds <= 100


def test_raters_that_share_no_voxel() -> None:
    done = fuse_masks(list(np.eye(3, dtype=bool)), "simple")
    assert not done.mask.any()
    assert done.decision.converged


@pytest.mark.parametrize(
    ("method", "changes", "words"),
    [
        ("vote", {}, "known are majority"),
        ("mean", {}, "does not fuse masks"),
        ("weighted", {}, "no weights"),
        ("at-least", {}, "how many raters"),
        ("simple", {"threshold": 1.0}, "below 1"),
        ("simple", {"threshold": float("nan")}, "below 1"),
        ("majority", {"tie": "mine"}, "'mine'"),
        ("majority", {"by": "voxels"}, "'voxels'"),
        ("staple", {"max_rounds": 0}, "At least one round"),
    ],
)
def test_options_that_make_no_sense(method: str, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidImage) as error:
        fuse_masks([np.ones((2, 2, 2), bool)] * 2, method, **changes)
    assert words in str(error.value)


def test_masks_of_numbers_and_of_none() -> None:
    assert fuse_masks([np.array([0.0, 7.0]), np.array([0.0, 0.2])]).mask.tolist() == [False, True]
    with pytest.raises(InvalidImage, match="NaN"):
        fuse_masks([np.array([0.0, np.nan])])
    with pytest.raises(InvalidImage, match="numbers"):
        fuse_masks([np.array(["a", "b"])])
