"""A training that is ended at any moment goes on to the same weights, bit for bit."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from glioscope.core import InputUnreadable, OutputUnwritable, ProcessingFailed
from glioscope.training.checkpoint import load_checkpoint
from glioscope.training.fold_job import FoldJob
from glioscope.training.progress import Position, TrainingProgress
from glioscope.training.train_fold import train_fold
from tests.training.conftest import MakeJob

# Dropout of the network's own, a moving average, accumulated gradients: all that has a state.
FULL = ("training.ema=0.5", "training.accumulate=2", "training.epochs=2", "training.iterations=3")


class Ended(BaseException):
    """Stands for the end of a process: nothing catches it."""


class EndsAt(TrainingProgress):
    """Ends the training when step `step` has been told, or with step 0 in the first validation."""

    def __init__(self, step: int, *, kill: bool = False) -> None:
        self._step, self._kill = step, kill

    def _end(self) -> None:
        if self._kill:
            os.kill(os.getpid(), signal.SIGKILL)
        raise Ended

    def stepped(self, position: Position) -> None:
        if position.step == self._step:
            self._end()

    def validated(self, dice: Mapping[str, float], best: bool) -> None:
        if self._step == 0:
            self._end()


def same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one if key != "seconds")
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def result(job: FoldJob) -> dict[str, Any]:
    return {"last": load_checkpoint(job.files.last), "best": load_checkpoint(job.files.best)}


@pytest.fixture(scope="module")
def uninterrupted(make_job: MakeJob, tmp_path_factory: pytest.TempPathFactory) -> FoldJob:
    job = make_job(tmp_path_factory.mktemp("whole"), *FULL)
    train_fold(job, TrainingProgress())
    return job


def _killed(job: FoldJob) -> None:
    torch.set_num_threads(1)
    train_fold(job, EndsAt(5, kill=True))


def test_after_a_kill_in_an_epoch_it_goes_on_to_the_same_weights(
    make_job: MakeJob, uninterrupted: FoldJob, tmp_path: Path
) -> None:
    job = make_job(tmp_path, *FULL)
    process = multiprocessing.get_context("spawn").Process(target=_killed, args=(job,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert load_checkpoint(job.files.last)["state"]["step"] == 4  # two steps into the second epoch of three
    train_fold(job, TrainingProgress())
    assert same(result(job), result(uninterrupted))
    lines = [job.files.log.read_text().splitlines() for job in (job, uninterrupted)]
    seconds = lines[0][0].split(",").index("seconds")
    rows = [[[cell for n, cell in enumerate(line.split(",")) if n != seconds] for line in log] for log in lines]
    assert rows[0] == rows[1]
    assert job.files.validation.read_bytes() == uninterrupted.files.validation.read_bytes()


@pytest.mark.parametrize("step", [0, 3, pytest.param(1, marks=pytest.mark.slow), pytest.param(4, marks=pytest.mark.slow)])
def test_wherever_it_ends_it_goes_on_to_the_same_weights(
    make_job: MakeJob, uninterrupted: FoldJob, tmp_path: Path, step: int
) -> None:
    job = make_job(tmp_path, *FULL)
    with pytest.raises(Ended):
        train_fold(job, EndsAt(step))
    assert not job.files.validation.exists()
    train_fold(job, TrainingProgress())
    assert same(result(job), result(uninterrupted))


@pytest.mark.slow
def test_who_prepares_the_samples_does_not_matter(make_job: MakeJob, uninterrupted: FoldJob, tmp_path: Path) -> None:
    from glioscope.training.machine import Machine

    job = make_job(tmp_path, *FULL, machine=Machine(device="cpu", workers=2))
    train_fold(job, TrainingProgress())
    assert same(result(job)["best"], result(uninterrupted)["best"])


def test_another_seed_gives_other_weights(make_job: MakeJob, uninterrupted: FoldJob, tmp_path: Path) -> None:
    job = make_job(tmp_path, *FULL, "training.seed=1")
    train_fold(job, TrainingProgress())
    assert not same(result(job)["best"]["network"], result(uninterrupted)["best"]["network"])


def test_a_finished_fold_is_left_as_it_is(uninterrupted: FoldJob) -> None:
    before = {file: file.stat().st_mtime_ns for file in uninterrupted.files.folder.rglob("*") if file.name != ".lock"}
    found = train_fold(uninterrupted, EndsAt(1))
    assert found == json.loads(uninterrupted.files.validation.read_text())
    assert before == {file: file.stat().st_mtime_ns for file in before}


def test_a_fold_is_trained_by_one_process_at_a_time(make_job: MakeJob, tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    job = make_job(tmp_path)
    job.files.folder.mkdir(parents=True)
    with (job.files.folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(OutputUnwritable, match="Another process is training fold 0"):
            train_fold(job, TrainingProgress())


@pytest.mark.parametrize("epochs", [1, 2])
def test_fewer_epochs_than_are_done_are_refused_with_those_that_end_it(make_job: MakeJob, tmp_path: Path, epochs: int) -> None:
    # A loader of -2 batches was a fault of ours.
    with pytest.raises(Ended):
        train_fold(make_job(tmp_path, "training.epochs=4"), EndsAt(5))
    with pytest.raises(InputUnreadable, match=r"fold 0 has done 4 steps already, .* give training.epochs=3\."):
        train_fold(make_job(tmp_path, f"training.epochs={epochs}"), TrainingProgress())
    train_fold(make_job(tmp_path, "training.epochs=3"), TrainingProgress())


def test_a_loss_that_is_not_finite_ends_it_and_the_last_good_state_stays(make_job: MakeJob, tmp_path: Path) -> None:
    job = make_job(tmp_path, "training.iterations=6", "training.clip=null", "optimiser.lr=1e30", "schedule.warmup=1")
    with pytest.raises(ProcessingFailed, match=r"fold 0 at step \d+; .*Run again with a lower optimiser.lr"):
        train_fold(job, TrainingProgress())
    if job.files.last.exists():
        kept = load_checkpoint(job.files.last)
        assert all(torch.isfinite(t).all() for t in kept["network"].values())
