"""One label map from several: labels by hand, nested regions, schemes, several raters' labels estimated together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glioscope.core import SCHEMES, InvalidImage, region_mask
from glioscope.fusion import LabelFusion, fuse_labels
from tests.fusion.maps import Labels, ball, label_maps

SCHEME = SCHEMES["brats-2023"]
WAYS = [(m, by) for m in ("majority", "weighted", "simple", "staple", "at-least") for by in ("labels", "regions")]


def row(*values: int) -> Labels:
    return np.array([[values]], np.uint8)


def fuse(maps: list[Labels], method: str, by: str, order: list[int] | None = None) -> LabelFusion:
    order = order or list(range(len(maps)))
    weights = {name: tuple(1 + 0.3 * rater for rater in order) for name in ("WT", "TC", "ET", "NCR", "ED")}
    options: dict[str, dict[str, Any]] = {"weighted": {"weights": weights}, "at-least": {"k": (len(maps) + 1) // 2}}
    return fuse_labels([maps[r] for r in order], SCHEME, method, by=by, **options.get(method, {}))


def test_class_wise_majority_by_hand() -> None:
    maps = [row(1, 1, 2, 3, 2), row(1, 2, 2, 3, 1), row(2, 2, 0, 1, 3), row(2, 3, 0, 1, 0)]
    # NCR and ED have half each: the inner label wins. ED has half, twice. ET and NCR have half each. Nothing has half.
    assert fuse_labels(maps, SCHEME).labels.ravel().tolist() == [1, 2, 2, 3, 0]
    # No label has more than half in any voxel.
    assert fuse_labels(maps, SCHEME, tie="background").labels.ravel().tolist() == [0, 0, 0, 0, 0]
    # By regions: tumour everywhere; core where half say NCR or ET; ET where half say so.
    assert fuse_labels(maps, SCHEME, by="regions").labels.ravel().tolist() == [1, 1, 2, 3, 1]


def test_weights_of_each_label_by_hand() -> None:
    maps = [row(1, 2, 3), row(2, 0, 1), row(0, 2, 1)]
    weights = {"NCR": (0.6, 0.2, 0.2), "ED": (0.1, 0.7, 0.2), "ET": (0.3, 0.3, 0.4)}
    # Voxel 0: NCR 0.6, ED 0.7: the larger share. Voxel 1: ED 0.3. Voxel 2: ET 0.3, NCR 0.4: neither has half.
    assert fuse_labels(maps, SCHEME, "weighted", weights=weights).labels.ravel().tolist() == [2, 0, 0]


def test_a_region_decided_without_its_label_takes_the_only_label_it_can_have() -> None:
    maps = [row(3), row(3), row(2), row(2)]
    done = fuse_labels(maps, SCHEME, "weighted", by="regions", weights={"WT": (1,) * 4, "TC": (1,) * 4, "ET": (1, 0, 1, 1)})
    assert done.labels.item() == 1  # core but not enhancing


def test_at_least_k_regions_are_nested_by_nature() -> None:
    maps = [row(3, 3, 3, 2), row(3, 1, 2, 0), row(3, 2, 0, 0)]
    assert fuse_labels(maps, SCHEME, "at-least", k=1).labels.ravel().tolist() == [3, 3, 3, 2]
    assert fuse_labels(maps, SCHEME, "at-least", k=2).labels.ravel().tolist() == [3, 1, 2, 0]
    assert fuse_labels(maps, SCHEME, "at-least", k=3).labels.ravel().tolist() == [3, 2, 0, 0]


def test_a_cavity_is_decided_for_itself() -> None:
    scheme = SCHEMES["brats-2024-gli"]
    maps = [row(4, 4, 4, 0), row(4, 4, 2, 0), row(4, 3, 2, 4), row(2, 3, 2, 0)]
    done = fuse_labels(maps, scheme, by="regions")
    # Cavity 3 of 4 against tumour 1; 2 against 2: the tumour keeps it; 1 against 3; 1 against 0 is less than half.
    assert done.labels.ravel().tolist() == [4, 3, 2, 0]
    assert list(done.decisions) == ["WT", "TC", "ET", "RC"]


def test_two_labels_between_two_regions_share_by_votes() -> None:
    scheme = SCHEMES["brats-ped"]  # 1 ET, 2 NETC, 3 CC, 4 ED
    done = fuse_labels([row(3, 2, 1), row(3, 3, 2), row(2, 2, 3)], scheme, by="regions")
    assert done.labels.ravel().tolist() == [3, 2, 2]  # core everywhere; the last: one vote each for NETC and CC, the first wins


def test_a_scheme_of_one_target() -> None:
    done = fuse_labels([row(1, 1, 0), row(1, 0, 0), row(0, 0, 1)], SCHEMES["brats-men-rt"], "simple")
    assert done.labels.ravel().tolist() == [1, 0, 0]


@pytest.mark.parametrize(("method", "by"), WAYS)
@given(label_maps(most=1), st.integers(1, 6))
@settings(max_examples=15)
def test_identical_maps_fuse_to_that_map(method: str, by: str, maps: list[Labels], raters: int) -> None:
    np.testing.assert_array_equal(fuse(maps * raters, method, by).labels, maps[0])


@pytest.mark.parametrize(("method", "by"), WAYS)
@given(label_maps(least=2), st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_rater_order_never_matters(method: str, by: str, maps: list[Labels], random: Any) -> None:
    order = list(range(len(maps)))
    random.shuffle(order)
    np.testing.assert_array_equal(fuse(maps, method, by, order).labels, fuse(maps, method, by).labels)


@pytest.mark.parametrize("method", ["majority", "weighted", "simple", "staple", "at-least"])
@given(label_maps(least=2))
@settings(max_examples=20)
def test_regions_are_nested_and_no_label_is_new(method: str, maps: list[Labels]) -> None:
    for by in ("labels", "regions"):
        done = fuse(maps, method, by)
        wt, tc, et = (region_mask(done.labels, SCHEME, region) for region in ("WT", "TC", "ET"))
        assert (tc <= wt).all()
        assert (et <= tc).all()
        assert set(np.unique(done.labels)) <= {0, 1, 2, 3}
        if by == "labels":
            said = np.any([one == done.labels for one in maps], axis=0)
            assert (said | (done.labels == 0)).all()
        else:  # every region is the one decided, as far as it lies in the larger one
            decided = {name: done.votes.paint(decision.decided) for name, decision in done.decisions.items()}
            np.testing.assert_array_equal(wt, decided["WT"])
            np.testing.assert_array_equal(tc, decided["WT"] & decided["TC"])
            np.testing.assert_array_equal(et, decided["WT"] & decided["TC"] & decided["ET"])


@given(label_maps(least=2), st.sampled_from(WAYS))
@settings(max_examples=40)
def test_the_numbering_of_labels_changes_nothing(maps: list[Labels], way: tuple[str, str]) -> None:
    old = np.array([0, 1, 2, 4], np.uint8)
    options: dict[str, Any] = {"k": 2, "weights": {n: (1.0,) * len(maps) for n in ("WT", "TC", "ET", "NCR", "ED")}}
    new = fuse_labels(maps, SCHEME, way[0], by=way[1], **options)
    same = fuse_labels([old[one] for one in maps], SCHEMES["brats-2021"], way[0], by=way[1], **options)
    np.testing.assert_array_equal(same.labels, old[new.labels])


def planted(seed: int = 0) -> tuple[Labels, list[Labels], np.ndarray]:
    """A truth of four labels, five raters that mistake them at known rates, and these rates (rater, said, true)."""
    shape = (70, 60, 50)
    truth = np.zeros(shape, np.uint8)
    for radius, label in ((24, 2), (16, 3), (11, 1)):
        truth[ball(shape, (34, 30, 25), radius)] = label
    rng = np.random.default_rng(seed)
    rates = np.zeros((5, 4, 4))
    for rater, right in enumerate((0.95, 0.9, 0.85, 0.8, 0.75)):
        rates[rater] = (1 - right) / 3
        rates[rater][np.diag_indices(4)] = right
    cumulative = rates.cumsum(axis=1)
    maps = [(rng.random(shape)[..., None] > cumulative[r][:, truth].transpose(1, 2, 3, 0)).sum(-1) for r in range(5)]
    return truth, [np.minimum(m, 3).astype(np.uint8) for m in maps], rates


def test_multi_label_staple_recovers_planted_confusion() -> None:
    truth, maps, rates = planted()
    done = fuse_labels(maps, SCHEME, "staple", by="labels")
    assert done.confusion is not None
    np.testing.assert_allclose(done.confusion.rates, rates, atol=0.02)
    assert (done.labels == truth).mean() > 0.99
    for value, label in SCHEME.labels.items():
        sensitivity, specificity = done.decisions[label.name].sensitivity, done.decisions[label.name].specificity
        assert sensitivity is not None
        assert specificity is not None
        np.testing.assert_allclose(sensitivity, rates[:, value, value], atol=0.02)
        other = np.bincount(truth.ravel(), minlength=4) * (np.arange(4) != value)
        np.testing.assert_allclose(specificity, 1 - rates[:, value] @ other / other.sum(), atol=0.02)


def test_staple_of_one_label_is_binary_staple() -> None:
    rng = np.random.default_rng(2)
    truth = ball((30, 30, 30), (15, 15, 15), 8)
    maps = [(truth ^ (rng.random(truth.shape) < rate)).astype(np.uint8) for rate in (0.02, 0.05, 0.1, 0.15)]
    scheme = SCHEMES["brats-men-rt"]
    together = fuse_labels(maps, scheme, "staple", by="labels")
    binary = fuse_labels(maps, scheme, "staple", by="regions", prior="estimate")
    assert (together.labels != binary.labels).mean() < 0.001  # only where nobody says tumour may they part
    np.testing.assert_array_equal(together.labels > 0, (binary.labels > 0) & np.any(maps, axis=0))


def test_unknown_labels_name_themselves() -> None:
    with pytest.raises(InvalidImage, match=r"the label 4, 7, which scheme 'brats-2023' does not define"):
        fuse_labels([row(1, 4), row(7, 1)], SCHEME)


def test_a_prior_of_one_number_does_not_fit_many_labels() -> None:
    with pytest.raises(InvalidImage, match="by regions only"):
        fuse_labels([row(1, 3), row(2, 1)], SCHEME, "staple", by="labels", prior=0.1)
