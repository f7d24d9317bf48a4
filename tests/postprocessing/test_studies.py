"""A search that was killed goes on, and ends where it would have ended."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from glioscope.core import OutputUnwritable
from glioscope.postprocessing import Studies, TuningCase, tune_chain
from tests.postprocessing.cohort import planted, with_a_poor_rater
from tests.postprocessing.maps import BRATS
from tests.postprocessing.test_tuning import whole_dice

pytest.importorskip("optuna")

CASES = [planted(n) for n in range(3)]
HOW: dict[str, Any] = {"folds": 2, "seed": 4}


class Killed(BaseException):
    """As sudden as a signal: nothing catches it."""


class Counting:
    """A score that counts its calls, and is killed at one of them."""

    def __init__(self, last: int | None = None) -> None:
        self.calls, self.last = 0, last

    def __call__(self, labels: NDArray[np.uint8], case: TuningCase) -> float:
        if self.calls == self.last:
            raise Killed
        self.calls += 1
        return whole_dice(labels, case)


@pytest.mark.parametrize("last", [0, 5, 20, 40])
def test_a_killed_tuning_goes_on_to_the_same_result(tmp_path: Path, last: int) -> None:
    whole = Counting()
    wanted = tune_chain(CASES, whole, BRATS, trials=15, **HOW)
    studies = Studies(tmp_path / "deep er" / "100%?{a}.db", "dice")
    first, second = Counting(last), Counting()
    with pytest.raises(Killed):
        tune_chain(CASES, first, BRATS, trials=15, studies=studies, **HOW)
    found = tune_chain(CASES, second, BRATS, trials=15, studies=studies, **HOW)
    assert (found.chain, found.fit.best, found.held_out) == (wanted.chain, wanted.fit.best, wanted.held_out)
    assert [fold.fit.best for fold in found.folds] == [fold.fit.best for fold in wanted.folds]
    again = Counting()
    heard: list[str] = []
    tune_chain(CASES, again, BRATS, trials=15, studies=studies, told=heard.append, **HOW)
    assert again.calls < whole.calls / 2  # the settings that are told of on held-out exams, no trial
    assert all(line.endswith("(15 trials were known).") for line in heard)


def test_more_trials_can_be_asked_for_later_and_fewer_too(tmp_path: Path) -> None:
    studies = Studies(tmp_path / "t.db", "dice")
    few = tune_chain(CASES, whole_dice, BRATS, trials=3, studies=studies, **HOW)
    more = tune_chain(CASES, whole_dice, BRATS, trials=13, studies=studies, jobs=2, **HOW)
    assert more.fit.known == 3
    without = tune_chain(CASES, whole_dice, BRATS, trials=13, **HOW)
    assert (more.chain, more.fit.best, more.held_out) == (without.chain, without.fit.best, without.held_out)
    assert tune_chain(CASES, whole_dice, BRATS, trials=3, studies=studies, **HOW).fit.best == few.fit.best


def test_guessed_weights_are_tried_once(tmp_path: Path) -> None:
    cases = [with_a_poor_rater(planted(n, threshold=0.5, dust=False)) for n in range(3)]
    asked: list[int] = []

    def start(known: Any) -> dict[str, dict[str, float]]:
        asked.append(len(known))
        return {"WT": {"good": 1.0, "poor": 0.0}}

    how: dict[str, Any] = {"folds": 3, "tunable": ["weights"], "studies": Studies(tmp_path / "t.db", "dice"), "start": start}
    tune_chain(cases, whole_dice, BRATS, trials=1, **how)
    assert asked == []
    found = tune_chain(cases, whole_dice, BRATS, trials=2, **how)
    assert asked == [2, 2, 2, 3]
    assert tune_chain(cases, whole_dice, BRATS, trials=2, **how).chain == found.chain
    assert len(asked) == 4


@pytest.mark.parametrize("change", ["voxel", "seed", "score", "tunable"])
def test_trials_of_something_else_are_not_taken(tmp_path: Path, change: str) -> None:
    studies, how, cases = Studies(tmp_path / "t.db", "dice"), dict(HOW), list(CASES)
    tune_chain(cases, whole_dice, BRATS, trials=2, studies=studies, **how)
    if change == "voxel":
        reference = cases[0].reference.copy()
        reference[0, 0, 0] = 2
        cases = [TuningCase(cases[0].id, cases[0].raters, reference, cases[0].spacing), *cases[1:]]
    if change == "score":
        studies = Studies(studies.file, "hd95")
    how |= {"seed": 5} if change == "seed" else {"tunable": ["dust"]} if change == "tunable" else {}
    assert tune_chain(cases, whole_dice, BRATS, trials=2, studies=studies, **how).fit.known == 0


def test_no_name_of_an_exam_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "t.db"
    tune_chain(CASES, whole_dice, BRATS, trials=2, studies=Studies(file, "dice"), **HOW)
    assert b"case1" not in file.read_bytes()
    assert sqlite3.connect(file).execute("select count(*) from trials").fetchall() == [(6,)]


def test_a_file_that_is_something_else_costs_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "t.db"
    file.write_bytes(b"not a database, and no empty file either" * 50)
    scored = Counting()
    with pytest.raises(OutputUnwritable, match=r"t\.db' cannot be used to keep trials"):
        tune_chain(CASES, scored, BRATS, trials=2, studies=Studies(file, "dice"), **HOW)
    assert scored.calls == 0
    with pytest.raises(OutputUnwritable, match="cannot be written"):
        tune_chain(CASES, scored, BRATS, trials=2, studies=Studies(file / "x.db", "dice"), **HOW)
