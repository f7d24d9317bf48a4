"""Killed at any moment: nothing is lost, nothing runs twice."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from glioscope.archive import Access, Inbox, Outcome, Retry, Study, hashed, identify
from glioscope.workflows import listen as listen_module
from glioscope.workflows.listen import ListenOptions, _Worker
from glioscope.workflows.progress import Progress
from tests.archive.faulty import scp
from tests.archive.listening import KEY, fork, job_of, kill, lines, listener, send_to, status, study, tracing, until
from tests.archive.made_up import SEG, file_bytes, instance


def port_of(out: Path) -> int:
    return int((out / "port").read_text())


def test_what_was_acknowledged_is_there_after_a_kill(tmp_path: Path) -> None:
    out, trace = tmp_path / "in", tmp_path / "trace"
    pid = fork(out, tracing(trace))
    assert send_to(port_of(out), [instance(n, expected=3) for n in (1, 2)]) == [0, 0]
    kill(pid)
    assert len(study(out).images()) == 2
    with listener(out, tracing(trace)) as here:
        send_to(here.port, [instance(n, expected=3) for n in (2, 3)])
        until(lambda: status(out) == "done", 60)
    assert lines(trace) == ["begin 3", "end"]


def test_a_job_that_outlives_the_listener_is_waited_for(tmp_path: Path) -> None:
    out, trace = tmp_path / "in", tmp_path / "trace"
    commands = tracing(trace, then=f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done")
    pid = fork(out, commands)
    send_to(port_of(out), [instance(1)])
    until(lambda: lines(trace) == ["begin 1"], 60)
    kill(pid)
    with listener(out, commands):
        assert job_of(out).alive()
        (tmp_path / "go").touch()
        until(lambda: status(out) == "done", 60)
    assert lines(trace) == ["begin 1", "end"]


def test_a_job_that_was_killed_too_is_started_again_three_times_at_most(tmp_path: Path) -> None:
    out, trace = tmp_path / "in", tmp_path / "trace"
    commands = [["sh", "-c", f"echo begin >> {trace}; kill -9 0"]]  # takes the whole process group with it
    with listener(out, commands) as here:
        send_to(here.port, [instance(1)])
        until(lambda: status(out, "quarantine") == "quarantined", 60)
    assert lines(trace) == ["begin"] * 3
    assert study(out, "quarantine").state.reason == "Work on it was begun 3 times and never ended; see log.txt."


def test_a_listener_killed_while_it_sends_results(tmp_path: Path) -> None:
    out, trace = tmp_path / "in", tmp_path / "trace"
    for number in (901, 902):
        (tmp_path / str(number)).write_bytes(file_bytes(instance(number, sop_class=SEG)))
    commands = tracing(trace, then=f'cp {tmp_path}/901 {tmp_path}/902 "$1"')
    with scp([0, "slow"], slow=2.0) as pacs:
        pid = fork(out, commands, pacs.address)
        send_to(port_of(out), [instance(1)])
        until(lambda: len(pacs.seen) == 2, 60)
        kill(pid)
        with listener(out, commands, send_to=pacs.address):
            until(lambda: status(out) == "done", 60)
        assert [uid.rpartition(".")[2] for uid in pacs.uids] == ["901", "902"]
    assert lines(trace) == ["begin 1", "end"]


class Crash(BaseException):
    """As if the process ended here."""


class InstantJob:
    """A job that ends as soon as it is started, and leaves a trace."""

    ran: list[str]
    code = 0

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def outcome(self) -> Outcome | None:
        return Outcome(self.code, "It failed.") if (self.folder / "outcome.json").exists() else None

    def alive(self) -> bool:
        return False

    def start(self, _: Any, __: float) -> bool:
        if self.outcome is None:
            self.ran.append(" ".join(sorted(path.name for path in (self.folder / "exam").iterdir())))
            (self.folder / "outcome.json").touch()
        return True

    def stop(self) -> None: ...


@pytest.mark.parametrize("code", [0, 5])
def test_a_crash_at_every_single_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Every flush, rename and link in turn is the last thing that a process does; another then takes over."""
    contents = [file_bytes(instance(n)) for n in (1, 2)]
    monkeypatch.setattr(listen_module, "Job", InstantJob)
    left = [0]

    def counted(function: Any) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise Crash
            return function(*given, **named)

        return call

    for module, name in ((os, "fsync"), (os, "link"), (Path, "replace")):
        monkeypatch.setattr(module, name, counted(getattr(module, name)))

    crashes = 0
    for moment in range(1, 200):
        out, InstantJob.ran, InstantJob.code = tmp_path / f"{moment}", [], code
        acknowledged: set[int] = set()
        left[0], crashed = moment, 0
        while True:
            inbox = Inbox(out)
            options = ListenOptions(quiet=0.0)
            worker = _Worker(inbox, options, None, Access(), [["job"]], Retry(), 1.0, Progress())
            try:
                worker.recover()
                for number, content in enumerate(contents):
                    identity = identify(content)
                    assert identity
                    if number not in acknowledged:  # a sender sends again what was not acknowledged
                        inbox.take(identity, content)
                        acknowledged.add(number)
                while not worker.idle():
                    worker.tick()
                break
            except Crash:
                crashed += 1
            finally:
                inbox.close()
        place = "quarantine" if code else "studies"
        found = Study(out / place / KEY)
        assert [path.read_bytes() for path in found.images()] == sorted(contents, key=name_of), moment
        assert found.state.status == ("quarantined" if code else "done"), moment
        assert len(InstantJob.ran) == 1, moment
        assert len(InstantJob.ran[0].split()) == 2
        assert not (out / ("studies" if code else "quarantine") / KEY).exists()
        crashes += crashed
        if not crashed:
            break
    assert crashes > 15  # there were that many moments


def name_of(content: bytes) -> str:
    identity = identify(content)
    assert identity
    return hashed(identity.instance)
