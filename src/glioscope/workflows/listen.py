"""`glioscope listen`: studies that arrive are worked on when they are complete, and the results stored back."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from glioscope.archive import (
    Access,
    Address,
    DicomFile,
    Inbox,
    InstanceRefused,
    Job,
    Journal,
    Receiver,
    Retry,
    Status,
    Study,
    check_aet,
    deliver,
    hashed,
    is_loopback,
    open_server,
    parse_address,
    read_dicom_file,
)
from glioscope.core import InputUnreadable, OutputUnwritable, TransferFailed
from glioscope.core.counting import counted
from glioscope.core.files import write_text
from glioscope.inspection.walk import list_files
from glioscope.workflows.archive_job import study_commands
from glioscope.workflows.progress import Progress
from glioscope.workflows.quiet import without_library_warnings

__all__ = ["ListenOptions", "Listened", "inbox_document", "listen"]

MAX_STARTS = 3


@dataclass(frozen=True)
class ListenOptions:
    """How to listen and when to begin.

    Attributes:
        bind: Address of the interface to listen on.
        port: 0 for a free one.
        aet: Our application entity title.
        allow: Titles of those that may send; everyone where empty.
        quiet: Seconds without anything new after which a study is complete.
        patience: Seconds to wait for objects that the sender has announced and that do not come.
        limit: Seconds that the work on one study may take.
        max_bytes: Size of the largest object that is taken.
        min_free: Bytes that stay free on the disk.
        idle: Seconds after which a silent association is ended.
        until_idle: Return when nothing is left to do, instead of going on until stopped.
        retry_quarantined: Work again on what is in quarantine.
    """

    bind: str = "127.0.0.1"
    port: int = 11112
    aet: str = "GLIOSCOPE"
    allow: tuple[str, ...] = ()
    quiet: float = 30.0
    patience: float = 3600.0
    limit: float = 6 * 3600.0
    max_bytes: int = 2**30
    min_free: int = 2**30
    idle: float = 60.0
    until_idle: bool = False
    retry_quarantined: bool = False


@dataclass
class Listened:
    """What was done until it ended: names of studies by how they ended."""

    done: list[str] = field(default_factory=list)
    quarantined: dict[str, str] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {"done": self.done, "quarantined": self.quarantined, "waiting": self.waiting}


def inbox_document(out: str | PathLike[str]) -> list[dict[str, Any]]:
    """State of every study in a listener's folder, whether one runs there or not; raises InputUnreadable for another folder."""
    root = Path(out)
    if not root.is_dir():
        raise InputUnreadable(f"There is no folder '{root}'; name the one that `glioscope listen` was given.")
    if not (root / "studies").is_dir():
        raise InputUnreadable(f"'{root}' is not the folder of a listener; name the one that `glioscope listen` was given.")
    folders = sorted(f for place in ("studies", "quarantine") for f in (root / place).glob("*") if f.name != "objects")
    found = []
    for study in map(Study, folders):
        state = study.state
        entry: dict[str, Any] = {"study": study.key, "status": str(state.status), "images": len(study.images())}
        found.append(entry | {"objects": study.count(), "reason": state.reason, "folder": str(study.folder)})
    return found


def listen(
    out: str | PathLike[str],
    *,
    options: ListenOptions | None = None,
    send_to: str | None = None,
    access: Access | None = None,
    commands: Sequence[Sequence[str]] | None = None,
    retry: Retry | None = None,
    timeout: float = 30.0,
    stop: threading.Event | None = None,
    listening: threading.Event | None = None,
    progress: Progress | None = None,
) -> Listened:
    """Take what arrives by C-STORE, work on each study that is complete, store the results back.

    A study goes arriving, running, sending, done; what fails goes to `OUT/quarantine` whole, with its reason. All of it is
    on disk before the next step begins, so a listener that was killed at any moment goes on when it is started again: what
    was acknowledged is there, a job that still runs is waited for, one that ended is not run again, one that was killed is
    started again (three times at most; `glioscope run` goes on where it stopped). One study is worked on at a time.

    Args:
        out: The listener's folder.
        options: Port, waits and limits.
        send_to: Address to store results to; they stay in the folder where None.
        access: Secrets for `send_to`, and certificates for both directions.
        commands: What is run, in order; see `glioscope.archive.Job.start` for `{study}`, `{out}` and `{key}`. By default
            `glioscope run` and the export to DICOM.
        retry: Back-off while `send_to` is down, slow or full; its attempts are not counted: results wait until it is there.
        timeout: Seconds to wait for each answer of `send_to`.
        stop: Ends it when set; the job at work is stopped and goes on the next time.
        listening: Set when the port is open; its number is then in `OUT/port`.
        progress: Hears what happens, in sentences without identifiers.

    Raises:
        OutputUnwritable: `out` cannot be written, or another listener works there.
        TransferFailed: the port cannot be listened on.
        InputUnreadable: an address or title is none, or a certificate cannot be used.
        EngineMissing: the extra `archive` is not installed.
    """
    options, stop, access = options or ListenOptions(), stop or threading.Event(), access or Access()
    destination = parse_address(send_to) if send_to else None
    if destination:
        open_server(destination, access=access, aet=check_aet(options.aet), timeout=timeout).close()
    context = access.server_context()
    inbox = Inbox(Path(out))
    told = progress or Progress()
    receiver = Receiver(
        inbox.take,
        disk=inbox.root,
        aet=check_aet(options.aet),
        allow=[check_aet(title) for title in options.allow],
        max_bytes=options.max_bytes,
        min_free=options.min_free,
        idle=options.idle,
        tell=told.warned,
    )
    worker = _Worker(inbox, options, destination, access, commands or study_commands(), retry or Retry(), timeout, told)
    try:
        with without_library_warnings():
            worker.recover()
            port = receiver.start(options.bind, options.port, context)
            told.decided(f"Listening as {options.aet} on {options.bind} port {port}.")
            if not is_loopback(options.bind) and not (context and options.allow):
                told.warned("Other machines can send here; --allow says which titles may, --certificate encrypts.")
            write_text(inbox.root / "port", f"{port}\n")
            if listening:
                listening.set()
            pause = min(1.0, max(0.02, options.quiet / 4))
            while not stop.is_set():
                worker.tick()
                if options.until_idle and worker.idle():
                    break
                stop.wait(pause)
    finally:
        receiver.stop()
        worker.stop()
        inbox.close()
    return worker.summary()


class _Worker:
    """Moves studies on, one thread."""

    def __init__(
        self,
        inbox: Inbox,
        options: ListenOptions,
        destination: Address | None,
        access: Access,
        commands: Sequence[Sequence[str]],
        retry: Retry,
        timeout: float,
        progress: Progress,
    ) -> None:
        self._inbox, self._options, self._destination, self._access = inbox, options, destination, access
        self._commands, self._retry, self._timeout = [list(words) for words in commands], retry, timeout
        self._progress, self._result = progress, Listened()
        self._jobs: dict[str, Job] = {}
        self._later: dict[str, tuple[float, int]] = {}

    def recover(self) -> None:
        """Finish what a kill cut in two, and release from quarantine what is to be tried again."""
        again = self._options.retry_quarantined
        with self._inbox.lock:
            for study in self._inbox.all():
                state, aside = study.state, study.folder.parent.name == "quarantine"
                same = study.set_name() == state.round
                if state.status is Status.RUNNING:
                    self._jobs[study.key] = Job(study.round_folder(state.round))
                if not aside and state.status is Status.QUARANTINED and same:
                    self._inbox.quarantine(study, state.reason, state.round)
                elif aside and (again or not same or state.status is not Status.QUARANTINED):
                    for job in map(Job, study.folder.glob("rounds/*") if again else ()):
                        job.forget_failure()
                    self._inbox.release(study, again=again)

    def idle(self) -> bool:
        """Whether there is nothing left to do."""
        return not self._inbox.awake()

    def tick(self) -> None:
        """Take every study as far as it goes now. A disk that is full is told, and tried again the next time."""
        for study in self._inbox.awake():
            try:
                self._advance(study)
            except OutputUnwritable as error:
                self._progress.warned(f"Study {study.key[:8]} waits: {error}")

    def _advance(self, study: Study) -> None:
        with self._inbox.lock:
            state = study.state
            if state.status is Status.RUNNING:
                self._follow(study)
            elif state.status is not Status.SENDING:
                self._consider(study)
        if study.state.status is Status.SENDING:
            self._send_back(study)

    def _consider(self, study: Study) -> None:
        """Begin, if the study is complete and is not what was worked on before."""
        options, state, name = self._options, study.state, study.set_name()
        if self._inbox.quiet_for(study.key) < options.quiet:
            return
        if name and name == state.round:
            if state.status is Status.ARRIVING:
                study.update(status=Status.DONE)
            self._inbox.settle(study, name)
            return
        if not name:
            self._quarantine(study, "There is no MR image among what came.", name)
            return
        count = study.count()
        if state.expected and count < state.expected:
            if self._inbox.waited_for(study.key) >= options.patience:
                self._quarantine(
                    study, f"{count} of {state.expected} objects came, and no more for {options.patience:g} s.", name
                )
            return
        if self._jobs:
            return
        study.freeze()
        study.update(status=Status.RUNNING, round=name, starts=0, reason="")
        self._start(study)

    def _start(self, study: Study) -> None:
        state = study.state
        job = self._jobs.setdefault(study.key, Job(study.round_folder(state.round)))
        study.update(starts=state.starts + 1)
        if job.start(self._commands, self._options.limit):
            again = " again" if state.starts else ""
            self._progress.decided(
                f"Study {study.key[:8]} is complete ({counted(len(study.images()), 'image')}); work on it begins{again}."
            )

    def _follow(self, study: Study) -> None:
        """See what became of the job, whoever started it."""
        state = study.state
        job = self._jobs.setdefault(study.key, Job(study.round_folder(state.round)))
        if job.alive():
            return
        outcome = job.outcome
        if outcome is None and state.starts < MAX_STARTS:
            self._start(study)
            return
        self._jobs.pop(study.key)
        if outcome is None:
            self._quarantine(study, f"Work on it was begun {state.starts} times and never ended; see log.txt.", state.round)
        elif outcome.exit_code:
            self._quarantine(study, outcome.reason, state.round)
        else:
            study.update(status=Status.SENDING)

    def _send_back(self, study: Study) -> None:
        state = study.state
        due, failures = self._later.get(study.key, (0.0, 0))
        if time.monotonic() < due:
            return
        try:
            count, wait = self._delivered(study, state.round, failures)
        except (InstanceRefused, TransferFailed) as error:
            self._later.pop(study.key, None)
            with self._inbox.lock:
                self._quarantine(study, f"Its results could not be stored: {error}", state.round)
            return
        if wait is not None:
            self._later[study.key] = (time.monotonic() + wait, failures + 1)
            return
        self._later.pop(study.key, None)
        with self._inbox.lock:
            study.update(status=Status.DONE, reason="")
            self._inbox.settle(study, state.round)
        self._result.done.append(study.key)
        stored = f"; {counted(count, 'result object')} stored" if self._destination else ""
        self._progress.decided(f"Study {study.key[:8]} is done{stored}.")

    def _delivered(self, study: Study, round_name: str, failures: int) -> tuple[int, float | None]:
        """Number of objects stored, and seconds until it is to be tried again, None where the server has all.

        Raises:
            InstanceRefused: the server does not take some.
            TransferFailed: it refuses altogether.
        """
        if self._destination is None:
            return 0, None
        files = _results(study, round_name)
        journal = Journal(study.folder / f"sent-{hashed(str(self._destination))[:8]}.jsonl")
        server = open_server(self._destination, access=self._access, aet=self._options.aet, timeout=self._timeout)
        try:
            delivery = deliver(server, files, journal, Retry(attempts=1))
        finally:
            server.close()
        if delivery.fault and delivery.fault.passing:
            wait = self._retry.wait(failures + 1, delivery.fault.after)
            self._progress.warned(
                f"Results of study {study.key[:8]} wait: {delivery.fault} Trying again in {wait:.3g} s ({failures + 1})."
            )
            return 0, wait
        if delivery.fault:
            raise delivery.fault
        if delivery.refused:
            reason = next(iter(delivery.refused.values()))
            raise InstanceRefused(f"{len(delivery.refused)} of {len(files)} were refused; {reason}.")
        return len(files), None

    def _quarantine(self, study: Study, reason: str, name: str) -> None:
        self._inbox.quarantine(study, reason, name)
        self._result.quarantined[study.key] = reason
        self._progress.exam_failed(study.key[:8], f"Study {study.key[:8]} is in quarantine: {reason}")

    def stop(self) -> None:
        """Stop the job at work; it does not count as one that failed."""
        for key, job in self._jobs.items():
            job.stop()
            study = self._inbox.find(key)
            if study and study.state.status is Status.RUNNING and job.outcome is None and not job.alive():
                study.update(starts=max(0, study.state.starts - 1))

    def summary(self) -> Listened:
        """What was done, and what is left."""
        self._result.waiting = [study.key for study in self._inbox.awake()]
        return self._result


def _results(study: Study, round_name: str) -> list[DicomFile]:
    """The DICOM objects that the job made.

    Raises:
        TransferFailed: one does not belong to the study, and would be filed under another patient.
    """
    folder = study.round_folder(round_name) / "results"
    files = [file for path in (list_files(folder) if folder.is_dir() else []) if (file := read_dicom_file(path))]
    if any(hashed(file.identity.study) != study.key for file in files):
        raise TransferFailed("a result belongs to another study")
    return sorted(files, key=lambda file: file.path)
