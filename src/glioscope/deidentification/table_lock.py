"""One run at a time gives pseudonyms: a lock beside the table, which the system lets go of when its process ends."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from glioscope.core import OutputUnwritable
from glioscope.core.files import output_errors

__all__ = ["table_lock"]

PAUSE_SECONDS = 0.1


@contextmanager
def table_lock(table: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the table's lock; where another process holds it, say so by `waiting`, once, and wait for it.

    The lock is of the file `.NAME.lock` beside the table, which stays there, empty: the table itself is replaced by each run.

    Raises:
        OutputUnwritable: the file cannot be made, or the disk knows no locks.
    """
    path = table.with_name(f".{table.name}.lock")
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        told = False
        while not _taken(descriptor, path):
            if not told:
                waiting()
            told = True
            time.sleep(PAUSE_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int, path: Path) -> bool:
    """Take the lock if it is free."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # held by another process, as the one system or the other says it
        return False
    except OSError as error:
        raise OutputUnwritable(
            f"The disk of '{path.parent}' cannot lock a file ({error.strerror}); keep the table on another one."
        ) from error
    return True
