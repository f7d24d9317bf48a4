"""Processes that train together end together."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from glioscope.core import ProcessingFailed
from glioscope.training.checkpoint import load_checkpoint
from glioscope.training.fold_job import FoldJob
from glioscope.training.interruption import Interruption, interruptible
from glioscope.training.machine import Machine
from glioscope.training.progress import Position, TrainingProgress
from glioscope.training.train_fold import train_fold
from tests.training.conftest import MakeJob
from tests.training.test_engine_resume import result, same

TWO = Machine(device="cpu", devices=2)
FIRST, GROUP, ITSELF = "first", "group", "itself"


class Signals(TrainingProgress):
    """Sends a signal when step `step` is told, which happens in one of the processes that train."""

    def __init__(self, step: int, number: signal.Signals, whom: str) -> None:
        self._step, self._number, self._whom = step, number, whom

    def stepped(self, position: Position) -> None:
        if position.step != self._step:
            return
        if self._whom == GROUP:
            os.killpg(os.getpgid(0), self._number)
        else:
            os.kill(os.getppid() if self._whom == FIRST else os.getpid(), self._number)
        # However slow the signal is on its way, no step is done meanwhile.
        while not signal.getsignal(signal.SIGINT).__self__.asked:  # type: ignore[union-attr]
            time.sleep(0.01)


@pytest.fixture
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def _train(job: FoldJob, progress: TrainingProgress, errors: Path) -> None:
    os.setsid()
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    try:
        train_fold(job, progress)
    except KeyboardInterrupt:
        sys.exit(130)


def _is_gone(group: int) -> bool:
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
def test_two_processes_that_are_interrupted_end_and_go_on_to_the_same_weights(make_job: MakeJob, tmp_path: Path) -> None:
    # SIGINT or SIGTERM to the first process alone left the others training on; Ctrl-C could print the traceback of each.
    many = ("training.iterations=20", "training.epochs=1")
    job = make_job(tmp_path / "interrupted", *many, machine=TWO)
    reached = 0
    for step, number, whom in ((2, signal.SIGINT, GROUP), (7, signal.SIGINT, FIRST), (12, signal.SIGTERM, FIRST)):
        errors = tmp_path / "errors"
        process = multiprocessing.get_context("spawn").Process(target=_train, args=(job, Signals(step, number, whom), errors))
        process.start()
        process.join()
        assert process.pid is not None
        assert _is_gone(process.pid)
        assert process.exitcode == 130
        assert "Traceback" not in errors.read_text()
        reached, before = load_checkpoint(job.files.last)["state"]["step"], reached
        assert before < step <= reached < 20
    train_fold(job, TrainingProgress())
    whole = make_job(tmp_path / "whole", *many, machine=TWO)
    train_fold(whole, TrainingProgress())
    assert same(result(job), result(whole))
    assert job.files.validation.read_bytes() == whole.files.validation.read_bytes()


@pytest.mark.slow
def test_a_process_that_is_killed_ends_the_others_with_a_sentence(make_job: MakeJob, tmp_path: Path) -> None:
    # It was a fault of ours.
    job = make_job(tmp_path, "training.iterations=20", machine=TWO)
    with pytest.raises(ProcessingFailed, match=r"^One of the processes that train together was ended at step \d+ of fold 0"):
        train_fold(job, Signals(3, signal.SIGKILL, ITSELF))


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_noted_while_others_wait_for_this_process(number: signal.Signals) -> None:
    interruption = Interruption()
    interruption.listen()
    os.kill(os.getpid(), number)
    assert interruption.asked
    with pytest.raises(SystemExit), interruption.at_once():
        pytest.fail("it was asked before")


@pytest.mark.usefixtures("handlers")
def test_a_signal_ends_at_once_what_nobody_waits_for() -> None:
    interruption = Interruption()
    interruption.listen()
    with pytest.raises(SystemExit) as ended, interruption.at_once():
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail("it did not end")
    assert ended.value.code == 130


@pytest.mark.usefixtures("handlers")
def test_the_process_that_starts_the_others_ends_when_they_have() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), interruptible(2):
        os.kill(os.getpid(), signal.SIGTERM)
        raise RuntimeError("what came of it")
    assert signal.getsignal(signal.SIGTERM) is before
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())


class EndedWithItsWorkers(TrainingProgress):
    """What `timeout` and a cluster's scheduler do: SIGTERM comes to this process and to those that prepare samples for it."""

    def stepped(self, position: Position) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        raise RuntimeError("DataLoader worker (pid 7) is killed by signal: Terminated. ")


@pytest.mark.usefixtures("handlers")
def test_samples_that_end_with_the_training_are_an_interruption_regression(make_job: MakeJob, tmp_path: Path) -> None:
    """It was told as want of memory: `search` gave the trial up, and went on with the next instead of ending."""
    with pytest.raises(KeyboardInterrupt):
        train_fold(make_job(tmp_path, "training.iterations=4"), EndedWithItsWorkers())
