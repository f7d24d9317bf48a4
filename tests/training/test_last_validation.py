"""The last validation of a recipe without flips is its final score: made once, and the same as made anew."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from glioscope.training import final_validation, validation
from glioscope.training.progress import TrainingProgress
from glioscope.training.train_fold import train_fold
from tests.training.conftest import MakeJob

ONE_EPOCH = ("training.epochs=1", "augmentation.name=none")


def counted(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """One entry for each exam that is predicted."""
    seen: list[bool] = []
    real = validation.predict_exam

    def predict(*given: Any, mirror: bool) -> Any:
        seen.append(mirror)
        return real(*given, mirror=mirror)

    for module in (validation, final_validation):
        monkeypatch.setattr(module, "predict_exam", predict)
    return seen


def test_without_flips_the_last_validation_is_made_once(
    make_job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, seen = make_job(tmp_path / "run", *ONE_EPOCH), counted(monkeypatch)
    once = train_fold(job, TrainingProgress())
    assert len(seen) == 1
    # What was written in the loop is what the best weights say when they are asked again.
    shutil.rmtree(job.files.predictions)
    job.files.validation.unlink()
    again = train_fold(job, TrainingProgress())
    assert len(seen) == 2
    assert json.dumps(again, sort_keys=True) == json.dumps(once, sort_keys=True)


def test_with_flips_the_final_score_is_another(make_job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job, seen = make_job(tmp_path / "run", *ONE_EPOCH, "inference.mirror=true"), counted(monkeypatch)
    train_fold(job, TrainingProgress())
    assert seen == [False, True]


def test_the_last_weights_are_not_scored_in_place_of_better_ones(
    make_job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of two validations is judged to be the best."""
    given = ("augmentation.name=none", "training.epochs=2")
    job, seen = make_job(tmp_path / "run", *given), counted(monkeypatch)
    monkeypatch.setattr("glioscope.training.fold_state.FoldState.judge", _first_only)
    found = train_fold(job, TrainingProgress())
    assert len(seen) == 3  # both validations, and the best weights once more
    shutil.rmtree(job.files.predictions)
    job.files.validation.unlink()
    assert json.dumps(train_fold(job, TrainingProgress()), sort_keys=True) == json.dumps(found, sort_keys=True)


def test_scores_by_other_rules_are_made_anew(make_job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that was ended among the last scores, and went on with other rules, had some of both."""
    train_fold(make_job(tmp_path / "run", *ONE_EPOCH), TrainingProgress())
    job = make_job(tmp_path / "run", *ONE_EPOCH, "inference.mirror=true")
    job.files.validation.unlink()
    seen = counted(monkeypatch)
    found = train_fold(job, TrainingProgress())
    assert seen == [True]
    assert "made_of" not in found["exams"][0]


def _first_only(state: Any, score: float) -> bool:
    """Judges as if the first validation were the best."""
    first = state.step == 2
    state.best = score if first else state.best
    return bool(first)
