"""The same work on many things, each in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from glioscope.core import ProcessingFailed
from glioscope.core.computer import memory_gib
from glioscope.core.workers import in_working_folder

__all__ = ["at_a_time", "in_processes"]

Thing = TypeVar("Thing")
Found = TypeVar("Found")


def at_a_time(wanted: int, count: int, gib: float) -> int:
    """How many of `count` things can be worked on together: as many as `wanted`, and as the memory holds at `gib` each."""
    return min(wanted, count, max(1, int(memory_gib() / gib)))


def in_processes(work: Callable[[Thing], Found], things: Iterable[Thing], together: int, threads: int = 1) -> Iterator[Found]:
    """What `work`, which is sent to other processes, makes of each thing, in their order.

    Args:
        work: A function of a module, or a partial one of it.
        things: What to work on.
        together: How many processes.
        threads: Of each.

    Raises:
        ProcessingFailed: the system ended a process; what is done stays.
    """
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    try:
        with parallel_config("loky", n_jobs=together, inner_max_num_threads=threads):
            yield from Parallel(return_as="generator")(delayed(in_working_folder(work))(thing) for thing in things)
    except TerminatedWorkerError as error:
        raise ProcessingFailed(
            "The system ended a process, probably because memory ran out; run the same command with fewer --jobs to go on."
        ) from error
