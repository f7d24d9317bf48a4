"""A listener in this process or in one of its own, a sender for it, and jobs that leave a trace."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from glioscope.archive import Study, hashed
from glioscope.archive.job import Job
from glioscope.workflows.listen import Listened, ListenOptions, listen
from glioscope.workflows.progress import Progress
from tests.archive.made_up import MR, SR, STUDY

KEY = hashed(STUDY)
QUIET = 0.4


class Told(Progress):
    def __init__(self) -> None:
        self.words: list[str] = []

    def decided(self, sentence: str) -> None:
        self.words.append(sentence)

    warned = decided

    def exam_failed(self, name: str, sentence: str) -> None:
        self.words.append(sentence)


@dataclass
class Listener:
    """One that runs."""

    out: Path
    stop: threading.Event = field(default_factory=threading.Event)
    told: Told = field(default_factory=Told)
    found: list[Listened] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int((self.out / "port").read_text())


@contextmanager
def listener(out: Path, commands: list[list[str]], **more: Any) -> Iterator[Listener]:
    """Listens until the block ends."""
    running, listening = Listener(out), threading.Event()
    chosen = {"port": 0, "quiet": QUIET, "min_free": 0, "idle": 5.0}
    options = ListenOptions(**chosen | {key: more.pop(key) for key in list(more) if key in ListenOptions.__dataclass_fields__})
    errors: list[BaseException] = []

    def work() -> None:
        try:
            running.found.append(
                listen(
                    out,
                    options=options,
                    commands=commands,
                    stop=running.stop,
                    listening=listening,
                    progress=running.told,
                    **more,
                )
            )
        except BaseException as error:  # it is raised below
            errors.append(error)
        finally:
            listening.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert listening.wait(20)
        yield running
    finally:
        running.stop.set()
        thread.join(20)
        if errors:
            raise errors[0]


class Caller:
    """An association that stays open until it is told to end."""

    def __init__(self, port: int, *, aet: str = "SCANNER", called: str = "GLIOSCOPE", kinds: Iterable[str] = (MR, SR)) -> None:
        from pynetdicom import AE, build_context

        entity = AE(ae_title=aet)
        entity.dimse_timeout = entity.acse_timeout = 10
        contexts = [build_context(kind) for kind in kinds]
        self.association = entity.associate("127.0.0.1", port, contexts=contexts, ae_title=called)

    def store(self, dataset: Dataset) -> int:
        answer = self.association.send_c_store(dataset)
        return int(answer.Status) if "Status" in answer else -1

    def end(self) -> None:
        self.association.release()


def send_to(port: int, datasets: Iterable[Dataset]) -> list[int]:
    caller = Caller(port)
    statuses = [caller.store(dataset) for dataset in datasets]
    caller.end()
    return statuses


def tracing(trace: Path, *, seconds: float = 0.0, then: str = "") -> list[list[str]]:
    """A job that writes how many images it saw, waits, does `then`, and writes that it ended."""
    script = f'mkdir -p "$1"; echo "begin $(ls "$0" | wc -l)" >> {trace}; sleep {seconds}; {then or ":"}; echo end >> {trace}'
    return [["sh", "-c", script, "{study}", "{out}"]]


def lines(trace: Path) -> list[str]:
    return trace.read_text().split("\n")[:-1] if trace.exists() else []


def until(condition: Callable[[], Any], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def study(out: Path, place: str = "studies", key: str = KEY) -> Study:
    return Study(out / place / key)


def status(out: Path, place: str = "studies", key: str = KEY) -> str:
    return str(study(out, place, key).state.status) if study(out, place, key).folder.is_dir() else ""


def fork(out: Path, commands: list[list[str]], send_to: str | None = None) -> int:
    """The process number of a listener that a test can kill; it listens when this returns."""
    (out / "port").unlink(missing_ok=True)
    pid = os.fork()
    if pid == 0:
        with suppress(BaseException):
            options = ListenOptions(port=0, quiet=QUIET, min_free=0)
            listen(out, options=options, commands=commands, send_to=send_to, timeout=5.0)
        os._exit(1)
    until(lambda: (out / "port").exists() and (out / "port").read_text().endswith("\n"), 60)
    return pid


def kill(pid: int) -> None:
    """kill -9, and wait until it is gone."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def job_of(out: Path) -> Job:
    found = study(out)
    return Job(found.round_folder(found.state.round))
