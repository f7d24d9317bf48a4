"""Chains, their file, and raters' weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glioscope.core import SCHEMES, InputUnreadable, InvalidImage
from glioscope.postprocessing import (
    STEPS,
    Chain,
    FillHoles,
    KeepLargest,
    MinimumVolume,
    RaterWeights,
    Record,
    RemoveDust,
    Size,
    SmallEnhancingToCore,
    Thresholds,
    load_postprocessing,
    published_chain,
    save_postprocessing,
)
from tests.postprocessing.maps import BRATS, flat

FULL = Chain(
    (
        RemoveDust({"ET": Size(10), "WT": Size(3, "voxels")}, 18, False),
        FillHoles({"WT": Size(4)}),
        SmallEnhancingToCore(Size(200)),
        MinimumVolume({"TC": Size(7.5)}),
        KeepLargest("WT", 2, Size(9)),
    ),
    Thresholds({"WT": 0.5, "TC": 0.25, "ET": 0.75}),
    RaterWeights({"WT": {"a": 0.25, "b": 0.75}}),
    {"tuning": {"protocol": "x"}},
)


def test_a_chain_survives_its_file(tmp_path: Path) -> None:
    assert {type(step) for step in FULL.steps} == set(STEPS.values())
    file = tmp_path / "chain.json"
    save_postprocessing(file, FULL)
    first = file.read_bytes()
    assert load_postprocessing(file) == FULL
    save_postprocessing(file, load_postprocessing(file))
    assert file.read_bytes() == first


def test_a_file_written_by_hand_may_leave_out_what_has_a_default(tmp_path: Path) -> None:
    file = tmp_path / "chain.json"
    file.write_text(
        '{"format": "glioscope-postprocessing", "version": 1, "steps": [{"step": "remove-dust", "sizes": {"ET": {"mm3": 50}}}]}'
    )
    assert load_postprocessing(file) == Chain((RemoveDust({"ET": Size(50)}, 26, True),))


def _file(**changes: object) -> str:
    return json.dumps({"format": "glioscope-postprocessing", "version": 1, "steps": [], **changes})


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is not JSON"),
        ("[1, 2", "is not JSON"),
        ("\x00\x01", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "does not begin with"),
        (_file(format="other"), "does not begin with"),
        (_file(version=2), "does not begin with"),
        (_file(steps=None), "no list of 'steps'"),
        (_file(steps=["remove-dust"]), "There is no step 'remove-dust'"),
        (_file(steps=[{"step": "fly"}]), "There is no step 'fly'; known are remove-dust"),
        (_file(steps=[{"step": ["fly"]}]), "There is no step"),
        (_file(steps=[{"step": "remove-dust"}]), "needs sizes, connectivity, fill"),
        (_file(steps=[{"step": "remove-dust", "sizes": 5}]), "Sizes are written"),
        (_file(steps=[{"step": "remove-dust", "sizes": {"ET": 5}}]), "A size is written"),
        (_file(steps=[{"step": "remove-dust", "sizes": {"ET": {"ml": 5}}}]), "unit mm3 or voxels, not 'ml'"),
        (_file(steps=[{"step": "keep-largest", "region": "WT", "count": "2"}]), "kind int"),
        (_file(steps=[{"step": "keep-largest", "region": "WT", "most": 2}]), "no parameter 'most'"),
        (_file(thresholds={"WT": "high"}), "threshold of WT"),
        (_file(thresholds=[0.5]), "not tables by region"),
        (_file(weights={"WT": 1}), "not tables by region"),
        (_file(weights={"WT": {"a": -1}}), "weights of WT"),
        (_file(weights={"WT": {"a": "x"}}), "weights of WT"),
        (_file(weights={"WT": {"a": 0}}), "weights of WT"),
    ],
)
def test_a_file_that_is_no_good_costs_a_sentence(tmp_path: Path, content: str, told: str) -> None:
    file = tmp_path / "chain.json"
    file.write_text(content)
    with pytest.raises(InputUnreadable, match=told) as caught:
        load_postprocessing(file)
    assert "chain.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputUnreadable, match="does not exist"):
        load_postprocessing(tmp_path / "none.json")


def test_thresholds_then_steps() -> None:
    wt = np.array([0.9, 0.9, 0.9, 0.1, 0.6], np.float32).reshape(-1, 1, 1)
    chain = Chain((RemoveDust({"WT": Size(1)}),), Thresholds({"WT": 0.5}))
    labels, record = chain.from_probabilities({"WT": wt}, BRATS)
    assert labels.ravel().tolist() == [2, 2, 2, 0, 0]
    assert record.facts["thresholds"] == {"WT": 0.5}
    assert record.undo(labels).ravel().tolist() == [2, 2, 2, 0, 2]  # what the thresholds gave
    assert record.summary() == [
        {"step": "remove-dust", "region": "WT", "after": 0, "components": 1, "voxels": 1, "volume_mm3": 1.0}
    ]
    with pytest.raises(InvalidImage, match="no thresholds"):
        Chain().from_probabilities({"WT": wt}, BRATS)


def test_the_published_chain() -> None:
    chain = published_chain(BRATS)
    assert chain.document()["thresholds"] == {"WT": 0.45, "TC": 0.40, "ET": 0.45}
    assert chain.steps == (RemoveDust({"ET": Size(50), "TC": Size(50), "WT": Size(50)}, 26, True),)
    assert published_chain(SCHEMES["brats-men-rt"]).steps == (RemoveDust({"GTV": Size(50)}),)
    labels = np.zeros((10, 10, 2), np.uint8)
    labels[:5, :, 0] = 3  # 50 voxels
    labels[7:, :, :] = 3  # 60
    found, _ = chain.from_labels(labels, BRATS)
    assert not found[:7].any()
    assert found[7:].all()


def test_weighted_mean_by_region() -> None:
    a, b = (np.full((1, 1, 2), v, np.float32) for v in (0.2, 0.6))
    weights = RaterWeights({"WT": {"a": 3, "b": 1}})
    found = weights.apply({"a": {"WT": a, "ET": a}, "b": {"WT": b, "ET": b}})
    assert found["WT"].ravel() == pytest.approx([0.3, 0.3])
    assert found["ET"].ravel() == pytest.approx([0.4, 0.4])  # without weights the plain mean
    with pytest.raises(InvalidImage, match="b is not among"):
        weights.apply({"a": {"WT": a}})
    with pytest.raises(InvalidImage, match="c has a weight or a map but not both"):
        weights.apply({"a": {"WT": a}, "b": {"WT": b}, "c": {"WT": b}})
    with pytest.raises(InvalidImage, match="differ in shape"):
        weights.apply({"a": {"WT": a}, "b": {"WT": b[:, :, :1]}})


@given(st.integers(0, 2**32 - 1), st.permutations(["a", "b", "c"]))
def test_rater_order_never_matters(seed: int, order: list[str]) -> None:
    rng = np.random.default_rng(seed)
    maps = {name: {"WT": rng.random((2, 3, 4), np.float32)} for name in ("a", "b", "c")}
    weights = RaterWeights({"WT": {"a": 0.1, "b": 0.7, "c": 0.3}})
    turned = RaterWeights({"WT": {name: weights.values["WT"][name] for name in order}})
    np.testing.assert_array_equal(weights.apply(maps)["WT"], turned.apply({name: maps[name] for name in order})["WT"])


def test_a_record_of_something_else() -> None:
    with pytest.raises(InvalidImage, match="is not a record"):
        Record.of_document({"shape": [1, 2, 3]})
    change = {"step": "x", "region": "WT", "after": 0, "volume_mm3": 1.0}
    for runs in ("1+2", "a", 5, [[1, 2, 3]]):
        with pytest.raises(InvalidImage, match="is not a record"):
            Record.of_document({"shape": [1, 2, 3], "changes": [{**change, "runs": runs}]})
    _, record = FULL.from_labels(flat("2222"), BRATS)
    with pytest.raises(InvalidImage, match="this one has"):
        record.undo(flat("22"))
