"""The folder of a search."""

from __future__ import annotations

from pathlib import Path

import pytest

from glioscope.core import InputUnreadable, InvalidImage, OutputUnwritable
from glioscope.training.progress import TrainingProgress
from glioscope.workflows.search import JOURNAL, _study, search

optuna = pytest.importorskip("optuna")


def test_a_study_that_came_to_nothing_is_begun_anew_regression(tmp_path: Path) -> None:
    """A cohort that was too small left a study behind that no other search could take the place of."""
    told = TrainingProgress()
    with _study(optuna, tmp_path, {"space": "a"}, told) as study:
        study.ask()  # and its training cannot begin
    with _study(optuna, tmp_path, {"space": "b"}, told) as study:
        assert study.get_trials() == []
        study.tell(study.ask(), 0.5)
    with pytest.raises(OutputUnwritable, match="another recipe"), _study(optuna, tmp_path, {"space": "a"}, told):
        pass


@pytest.mark.parametrize("text", ["garbage", '{"op_code": 99, "worker_id": "x"}', '{"op_code": 0}', "[1, 2]"])
def test_a_journal_of_another_kind_is_told_regression(tmp_path: Path, text: str) -> None:
    """An unknown entry was told as a fault in Glioscope (AssertionError)."""
    (tmp_path / JOURNAL).write_text(text + "\n")
    with (
        pytest.raises(InputUnreadable, match="is damaged or no journal of Optuna"),
        _study(optuna, tmp_path, {}, TrainingProgress()),
    ):
        pass


def test_a_key_that_is_given_twice_is_told_regression(tmp_path: Path) -> None:
    """The second range was taken without a word."""
    with pytest.raises(InvalidImage, match=r"'optimiser\.lr' is given two times"):
        search("nnunet", tmp_path, tmp_path / "out", ["optimiser.lr=1e-4..1e-2", "optimiser.lr=1e-3..1e-1"])
    assert not (tmp_path / "out").exists()
