"""One process at a time in a folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from glioscope.core import OutputUnwritable
from glioscope.training.machine import process_rank

__all__ = ["alone"]


@contextlib.contextmanager
def alone(folder: Path, doing: str) -> Iterator[None]:
    """Keep other processes out of `folder` within this context; several that a launcher started count as one.

    Args:
        folder: That there is.
        doing: What another process would be at, such as `training fold 0`.

    Raises:
        OutputUnwritable: another process is.
    """
    try:
        import fcntl
    except ImportError:  # Windows has no such locks
        yield
        return
    if process_rank() != 0:
        yield
        return
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputUnwritable(f"Another process is {doing} in '{folder}'; wait for it, or choose another --out.") from None
        yield
