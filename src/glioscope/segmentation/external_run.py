"""Run a program to its end, or to a time limit, and say in one sentence why it failed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from glioscope.core import EngineMissing, ProcessingFailed

__all__ = ["run_program"]

_KEPT = 4096  # bytes at the end of what a program says


def run_program(arguments: Sequence[str], folder: Path, time_limit_s: float, name: str) -> float:
    """Run `arguments` in `folder`; returns the seconds that it took.

    The program and what it started are killed at the time limit, and when this process is interrupted.

    Raises:
        EngineMissing: there is no such program.
        ProcessingFailed: it exits with another code than 0, or reaches the limit; the sentence has its last words.
    """
    started = time.perf_counter()
    with (folder / ".stdout").open("wb") as out, (folder / ".stderr").open("wb") as err:
        try:
            process = subprocess.Popen(
                list(arguments), cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
            )
        except (FileNotFoundError, PermissionError):
            raise EngineMissing(f"'{name}' needs the program '{arguments[0]}', which is not installed here.") from None
        try:
            code = process.wait(time_limit_s)
        except subprocess.TimeoutExpired:
            raise ProcessingFailed(f"'{name}' was stopped after {time_limit_s:g} s, its time limit{_said(folder)}.") from None
        finally:
            _end(process)
    if code:
        how = f"was ended by signal {-code}" if code < 0 else f"failed with exit code {code}"
        raise ProcessingFailed(f"'{name}' {how}{_said(folder)}.")
    return time.perf_counter() - started


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill whatever of the program's group still runs."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _said(folder: Path) -> str:
    """The program's last line on stderr, else on stdout, ready to follow a clause."""
    for stream in (".stderr", ".stdout"):
        content = (folder / stream).read_bytes()[-_KEPT:].decode("utf-8", "replace")
        lines = [line.strip() for line in content.splitlines() if line.strip()]
        if lines:
            return f"; its last words: {lines[-1][:200].rstrip('.')}"
    return " and said nothing"
