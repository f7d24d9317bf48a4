"""Agreement of raters, the second opinion, and how evidence joins the quality statement."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from glioscope.core import EngineMissing, InvalidImage, MissingSequence, Sequence, Volume, get_scheme, read_labels, read_volume
from glioscope.quality import (
    Remark,
    SecondOpinion,
    Severity,
    agreement_remarks,
    alarm_remarks,
    judge,
    rater_agreement,
    second_opinion,
    with_evidence,
)
from glioscope.quality.densenet import BLOCKS, densenet_score

SCHEME = get_scheme("brats-2023")
WEIGHTS = importlib.util.find_spec("deep_quality_estimation")


def line(*values: int) -> np.ndarray:
    return np.array(values, bool).reshape(-1, 1, 1)


def test_agreement_of_three() -> None:
    """a = 1111, b = 1100, c = 0100: Dice ab 4/6, ac 2/5, bc 2/3; all agree on 1 of 4."""
    found = rater_agreement({"a": line(1, 1, 1, 1), "b": line(1, 1, 0, 0), "c": line(0, 1, 0, 0)}, 250)
    assert found.mean_dice == pytest.approx((4 / 6 + 2 / 5 + 2 / 3) / 3)
    assert (found.lowest_dice, found.lowest_pair) == (0.4, ("a", "c"))
    assert found.all_agree == 0.25
    assert found.volumes_ml == {"a": 1.0, "b": 0.5, "c": 0.25}


def test_empty_masks_agree() -> None:
    found = rater_agreement({"a": line(0, 0), "b": line(0, 0)}, 1)
    assert (found.mean_dice, found.all_agree) == (1, 1)


@given(st.lists(hnp.arrays(bool, (3, 2, 2), elements=st.booleans()), min_size=3, max_size=3), st.permutations(["a", "b", "c"]))
def test_the_order_of_raters_never_matters(masks: list[np.ndarray], order: list[str]) -> None:
    named = dict(zip(["a", "b", "c"], masks, strict=True))
    assert rater_agreement({name: named[name] for name in order}, 1) == rater_agreement(named, 1)
    assert rater_agreement({n: m[::-1, :, ::-1] for n, m in named.items()}, 1) == rater_agreement(named, 1)


def test_remarks_begin_at_their_limits() -> None:
    assert agreement_remarks({"WT": 0.7, "ET": 0.7}) == []
    assert "ET 0.69" in agreement_remarks({"WT": 0.9, "ET": 0.69})[0].sentence
    assert alarm_remarks(5, 30, 0.74) == []
    assert alarm_remarks(0, 30, 0.8) == []
    assert "5 of 30 alarms" in alarm_remarks(5, 30, 0.75)[0].sentence


def test_stars_are_shown_and_judge_nothing() -> None:
    """Experts' outlines get fewer stars than a whole brain called oedema."""
    base = judge([]).document()
    assert with_evidence(base, {"second_opinion": {"stars": 1.0}}) == base | {"second_opinion": {"stars": 1.0}}


def test_evidence_replaces_earlier_evidence_and_the_verdict_follows() -> None:
    base = judge([Remark(Severity.INFO, "missing-t2w", "T2 is missing.")]).document()
    alarms = {"risk": 9, "possible": 30, "share_of_cohort_with_fewer": 0.9}
    agreement = {"regions": {"WT": {"mean_dice": 0.5}}}
    worse = with_evidence(base, {"agreement": agreement, "alarms": alarms, "other": 1})
    assert worse["verdict"] == "usable with caution"
    assert [r["code"] for r in worse["remarks"]] == ["raters-disagree", "ensemble-alarms", "missing-t2w"]
    assert worse["alarms"] == alarms
    assert "other" not in worse
    assert with_evidence(worse, {}) == base
    assert with_evidence(worse, {"agreement": agreement, "alarms": alarms}) == worse


def weights() -> dict[str, object]:
    """Weights of the right shapes that make every feature of the last layer 1, and its answer their mean plus 2."""
    import torch

    def norm(name: str, n: int, bias: float = 0.0) -> dict[str, object]:
        part = {"running_mean": 0.0, "running_var": 1.0, "weight": 1.0, "bias": bias}
        return {f"{name}.{key}": torch.full((n,), value) for key, value in part.items()}

    def conv(name: str, *shape: int) -> dict[str, object]:
        return {f"{name}.weight": torch.zeros(shape)}

    found = conv("features.conv0", 64, 7, 7, 7) | norm("features.norm0", 64)
    channels = 64
    for block, layers in enumerate(BLOCKS, start=1):
        for layer in range(1, layers + 1):
            name = f"features.denseblock{block}.denselayer{layer}.layers"
            found |= norm(f"{name}.norm1", channels) | conv(f"{name}.conv1", 128, channels, 1, 1)
            found |= norm(f"{name}.norm2", 128) | conv(f"{name}.conv2", 32, 128, 3, 3)
            channels += 32
        if block < len(BLOCKS):
            found |= norm(f"features.transition{block}.norm", channels)
            found |= conv(f"features.transition{block}.conv", channels // 2, channels, 1, 1)
            channels //= 2
    last = {"class_layers.out.weight": torch.full((1, 1024), 1 / 1024), "class_layers.out.bias": torch.full((1,), 2.0)}
    return found | norm("features.norm5", 1024, bias=1.0) | last


def test_the_network_runs_from_its_weights() -> None:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for so small an image, threads that wait for each other cost seconds
    try:
        assert densenet_score(weights(), torch.ones(2, 7, 32, 32)).tolist() == [[3.0], [3.0]]
    finally:
        torch.set_num_threads(threads)


def exam() -> tuple[dict[Sequence, Volume], Volume]:
    rng = np.random.default_rng(0)
    images = {s: Volume.of(rng.random((40, 44, 30), np.float32), np.eye(4)) for s in Sequence}
    labels = np.zeros((40, 44, 30), np.uint8)
    labels[10:20, 10:20, 10:20] = 3
    return images, Volume.of(labels, np.eye(4))


def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineMissing, match="pip install --no-deps deep_quality_estimation"):
        second_opinion(*exam(), SCHEME)


def test_what_cannot_be_rated(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    module = sys.modules["glioscope.quality.second_opinion"]
    monkeypatch.setattr(module, "_weights", lambda: ({}, "0"))
    images, labels = exam()
    with pytest.raises(MissingSequence, match="FLAIR"):
        second_opinion({s: v for s, v in images.items() if s is not Sequence.T2F}, labels, SCHEME)
    with pytest.raises(InvalidImage, match="no tumour"):
        second_opinion(images, labels.with_data(labels.data * 0), SCHEME)
    with pytest.raises(InvalidImage, match="one grid"):
        second_opinion(images, Volume.of(labels.data, np.diag([1, 1, 2.0, 1])), SCHEME)
    with pytest.raises(InvalidImage, match="brats-men-rt"):
        second_opinion(images, labels, get_scheme("brats-men-rt"))


def test_a_rating_does_not_depend_on_how_the_files_are_turned(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    module = sys.modules["glioscope.quality.second_opinion"]
    seen: list[np.ndarray] = []

    def rate(_: object, images: np.ndarray, regions: np.ndarray) -> float:
        seen.append(np.concatenate([images, regions]))
        return float(len(seen) % 3)

    monkeypatch.setattr(module, "_weights", lambda: ({}, "0"))
    monkeypatch.setattr(module, "_rate", rate)
    images, labels = exam()
    first = second_opinion(images, labels, SCHEME)
    again = second_opinion({s: v.reoriented("SAR") for s, v in images.items()}, labels.reoriented("SAR"), SCHEME)
    assert isinstance(first, SecondOpinion)
    assert first == again
    for a, b in zip(seen[:3], seen[3:], strict=True):
        np.testing.assert_array_equal(a, b)
    assert [s.shape for s in seen[:3]] == [(7, 40, 44), (7, 40, 30), (7, 44, 30)]


@pytest.mark.skipif(WEIGHTS is None, reason="deep_quality_estimation is not installed")
def test_ratings_of_a_real_exam(brats_exam: Path) -> None:
    """4.83721 is what the package's own code answers; noise gets less."""
    names = {Sequence.T1N: "t1", Sequence.T1C: "t1ce", Sequence.T2W: "t2", Sequence.T2F: "flair"}
    images = {s: read_volume(brats_exam / f"{brats_exam.name}_{name}.nii.gz") for s, name in names.items()}
    labels = read_labels(brats_exam / f"{brats_exam.name}_seg.nii.gz")
    scheme = get_scheme("brats-2021")
    found = second_opinion(images, labels, scheme)
    assert found.stars == pytest.approx(4.83721, abs=1e-3)
    assert found.views["coronal"] == pytest.approx(4.52843, abs=1e-3)
    noise = (np.random.default_rng(0).random(labels.data.shape) < 0.02).astype(np.uint8) * 4
    assert second_opinion(images, labels.with_data(noise), scheme).stars < 3.5
