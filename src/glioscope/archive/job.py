"""The work on one round, in a process of its own that outlives a killed listener and is never started twice at a time."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from glioscope.archive import job_process
from glioscope.core.files import write_json

__all__ = ["Job", "Outcome"]


@dataclass(frozen=True)
class Outcome:
    """How a job ended: 0 and no reason, or an exit code and a sentence."""

    exit_code: int
    reason: str = ""


class Job:
    """The job of a round's folder.

    A file lock is held by every process of the job through a descriptor they inherit, so it is known after any crash
    whether one of them still lives. The outcome is written, at once and whole, by the job itself.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def outcome(self) -> Outcome | None:
        """How it ended, None if it has not."""
        try:
            return Outcome(**json.loads((self.folder / "outcome.json").read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def alive(self) -> bool:
        """Whether a process of it lives, whoever started it."""
        if self._process is not None:
            self._process.poll()  # so that it does not stay a zombie
        try:
            with (self.folder / "lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def start(self, commands: list[list[str]], limit: float) -> bool:
        """Run `commands` one after the other until one fails; False where the job runs or has ended before.

        Args:
            commands: Words of each; `{study}` and `{out}` in them stand for the folders of the images and of the results,
                `{key}` for a name of the exam.
            limit: Seconds after which it is stopped.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            if self.outcome is not None:
                return False
            write_json(self.folder / "job.json", {"commands": commands, "limit": limit})
            self._process = subprocess.Popen(
                [sys.executable, "-I", job_process.__file__, str(self.folder), str(lock.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(lock.fileno(),),
                start_new_session=True,
            )
        return True

    def stop(self) -> None:
        """End it without an outcome, if this process started it."""
        if self._process is not None and self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def forget_failure(self) -> None:
        """Let a job that failed be started again."""
        if self.outcome is not None and self.outcome.exit_code:
            (self.folder / "outcome.json").unlink()
