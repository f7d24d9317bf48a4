"""Tuning finds what was planted, and says honestly what it is worth."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from glioscope.core import EngineMissing, InvalidImage
from glioscope.postprocessing import RaterWeights, RemoveDust, TuningCase, tune_chain
from glioscope.postprocessing.rater_weights import Regions
from glioscope.postprocessing.search import Search
from tests.postprocessing.cohort import planted, with_a_poor_rater
from tests.postprocessing.maps import BRATS


def whole_dice(labels: NDArray[np.uint8], case: TuningCase) -> float:
    a, b = labels > 0, case.reference > 0
    return float(2 * (a & b).sum() / max(a.sum() + b.sum(), 1))


@pytest.fixture(autouse=True)
def _optuna() -> None:
    pytest.importorskip("optuna")


def test_it_finds_the_planted_threshold_and_dust() -> None:
    cases = [planted(n) for n in range(6)]
    heard: list[str] = []
    found = tune_chain(cases, whole_dice, BRATS, folds=2, trials=40, told=heard.append)
    assert found.chain.thresholds is not None
    assert found.chain.thresholds.values["WT"] == pytest.approx(0.75)
    (step,) = found.chain.steps
    assert isinstance(step, RemoveDust)
    assert step.sizes["WT"].value >= 27
    assert found.fitted > found.default + 0.05
    assert found.fitted == pytest.approx(1, abs=0.03)
    assert [line.partition(":")[0] for line in heard] == ["Fold 1 of 2", "Fold 2 of 2"]
    assert sorted(name for fold in found.folds for name in fold.held_out) == [f"case{n}" for n in range(6)]
    published, tuned = found.held_out
    assert published == pytest.approx(found.default)  # nothing is fitted there, so folds and whole agree
    assert tuned > published + 0.05
    assert not found.fit.kept_published
    assert found.fit.error is not None
    assert found.fit.gain > found.fit.error
    for fold in found.folds:
        out = [case for case in cases if case.id in fold.held_out]
        assert fold.tuned == pytest.approx(
            np.mean([whole_dice(fold.chain.from_probabilities(c.raters["one"], BRATS)[0], c) for c in out])
        )


def test_the_same_call_gives_the_same_result_in_any_order_and_number_of_processes() -> None:
    cases = [planted(n) for n in range(3)]
    first = tune_chain(cases, whole_dice, BRATS, folds=3, trials=4, seed=5)
    assert not first.fit.kept_published  # something was found, so that there is something to be equal
    assert tune_chain(cases[::-1], whole_dice, BRATS, folds=3, trials=4, seed=5, jobs=2) == first


def test_one_trial_gives_the_published_settings() -> None:
    cases = [planted(0), planted(1)]
    found = tune_chain(cases, whole_dice, BRATS, folds=2, trials=1)
    assert found.chain.thresholds is not None
    assert dict(found.chain.thresholds.values) == {"WT": 0.45}
    assert found.fitted == found.default == found.held_out[0] == found.held_out[1]


def test_a_region_that_only_one_rater_has_is_kept() -> None:
    case = planted(0, threshold=0.5, dust=False)
    core = np.where(case.reference > 0, np.float32(0.9), np.float32(0))
    raters: dict[str, Regions] = {"one": {"WT": case.raters["one"]["WT"], "TC": core}, "two": case.raters["one"]}
    search = Search.of([TuningCase("x", raters, case.reference, case.spacing)], BRATS)
    assert search.raters_of == {"TC": ("one",), "WT": ("one", "two")}
    assert [p.name for p in search.parameters if p.name.startswith("weight")] == ["weight WT one", "weight WT two"]
    chain = search.chain()
    assert chain.weights == RaterWeights({"WT": {"one": 0.5, "two": 0.5}, "TC": {"one": 1.0}})
    labels, _ = chain.from_probabilities(chain.fuse(raters), BRATS)
    assert (labels == 1).sum() == (case.reference > 0).sum()


def test_a_poor_rater_gets_little_weight() -> None:
    cases = [with_a_poor_rater(planted(n, threshold=0.5, dust=False)) for n in range(3)]
    found = tune_chain(cases, whole_dice, BRATS, folds=2, trials=40, tunable=["weights"])
    assert found.chain.weights is not None
    weights = found.chain.weights.values["WT"]
    assert weights["poor"] < 0.3
    assert weights["good"] > 0.7
    assert sum(weights.values()) == pytest.approx(1, abs=1e-5)
    assert found.fitted > found.default
    assert found.chain.thresholds is not None
    assert dict(found.chain.thresholds.values) == {"WT": 0.45}  # not tuned


def test_a_good_guess_of_the_weights_is_tried_and_bound_to_the_exams_of_its_fit() -> None:
    cases = [with_a_poor_rater(planted(n, threshold=0.5, dust=False)) for n in range(3)]
    asked: list[list[str]] = []

    def start(known: Sequence[TuningCase]) -> dict[str, dict[str, float]]:
        asked.append([case.id for case in known])
        return {"WT": {"good": 1.0, "poor": 0.0}}

    found = tune_chain(cases, whole_dice, BRATS, folds=2, trials=2, tunable=["weights"], start=start)
    assert found.chain.weights == RaterWeights({"WT": {"good": 1.0, "poor": 0.0}})
    assert sorted(map(len, asked)) == [1, 2, 3]
    wrong = tune_chain(
        cases, whole_dice, BRATS, folds=2, trials=2, tunable=["weights"], start=lambda _: {"WT": {"good": 0.0, "poor": 1.0}}
    )
    assert wrong.chain.weights == RaterWeights({"WT": {"good": 0.5, "poor": 0.5}})
    tune_chain(cases, whole_dice, BRATS, folds=2, trials=1, tunable=["dust"], start=start)
    assert len(asked) == 3


def test_two_exams_are_too_few_to_leave_the_published_settings() -> None:
    found = tune_chain([planted(0), planted(1)], whole_dice, BRATS, folds=2, trials=20)
    assert found.fit.kept_published
    assert found.fit.error is None
    assert found.fitted == found.default
    assert found.fit.best.thresholds != found.chain.thresholds


@pytest.mark.parametrize("margin", [0, 3])
def test_cropping_changes_no_label(margin: int) -> None:
    case = planted(0, dust=False)
    roomy = TuningCase(case.id, {"one": {"WT": np.pad(case.raters["one"]["WT"], 9)}}, np.pad(case.reference, 9), case.spacing)
    small = roomy.cropped(margin)
    assert small.reference.size < roomy.reference.size
    assert small.reference.sum() == roomy.reference.sum()
    chain = Search.of([case], BRATS).chain()
    counts = [(chain.from_probabilities(c.raters["one"], BRATS)[0] > 0).sum() for c in (roomy, small)]
    assert counts[0] == counts[1] > 0


def test_an_empty_case_can_be_cropped() -> None:
    zeros = np.zeros((4, 5, 6), np.float32)
    assert TuningCase("x", {"a": {"WT": zeros}}, zeros.astype(np.uint8), (1, 1, 1)).cropped().reference.shape == (1, 1, 1)


def test_what_cannot_be_tuned_costs_a_sentence() -> None:
    one, two = planted(0), planted(1)
    with pytest.raises(InvalidImage, match="at least 2 exams"):
        tune_chain([one], whole_dice, BRATS)
    with pytest.raises(InvalidImage, match="names of their own"):
        tune_chain([one, one], whole_dice, BRATS)
    with pytest.raises(InvalidImage, match="'speed' cannot be tuned"):
        tune_chain([one, two], whole_dice, BRATS, tunable=["speed"])
    with pytest.raises(InvalidImage, match="nothing to tune in 'weights'; weights need several raters"):
        tune_chain([one, two], whole_dice, BRATS, tunable=["weights"])
    with pytest.raises(InvalidImage, match="same regions of the same raters"):
        tune_chain([one, with_a_poor_rater(two)], whole_dice, BRATS)
    lost = TuningCase("x", {"one": {"other": two.raters["one"]["WT"]}}, two.reference, two.spacing)
    with pytest.raises(InvalidImage, match="no region for which there is a threshold"):
        tune_chain([lost, TuningCase("y", lost.raters, lost.reference, lost.spacing)], whole_dice, BRATS)


def test_without_optuna_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == "optuna":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "optuna", raising=False)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(EngineMissing, match=r"glioscope\[tune\]"):
        tune_chain([planted(0), planted(1)], whole_dice, BRATS)
