"""What stops a training, in one sentence."""

from __future__ import annotations

import errno
import re

import torch
from torch.multiprocessing.spawn import ProcessExitedException

from glioscope.core import GlioscopeError, OutputUnwritable, ProcessingFailed

__all__ = ["failure_of"]

_NO_MEMORY = re.compile(r"out of memory|can't allocate memory|not enough memory|Cannot allocate memory", re.IGNORECASE)
_WORKER = re.compile(r"DataLoader worker .*(killed|exited)|unexpected bus error", re.IGNORECASE)
_FULL = re.compile(r"No space left on device|File too large|PytorchStreamWriter failed writing", re.IGNORECASE)
_LEFT = re.compile(r"Connection (closed|reset) by|Broken pipe|remote process exited", re.IGNORECASE)
_TOLD = re.compile(r"^glioscope\.core\.errors\.(\w+): (.+)", re.MULTILINE)


def failure_of(error: BaseException, where: str, kept: str) -> GlioscopeError | None:
    """The error for people behind `error`, or None where it is a fault of ours.

    Args:
        error: What was raised, here or in one of several processes (then it carries their traceback as text).
        where: Such as `fold 0, step 312`.
        kept: A clause that says what is kept, such as `the state of step 300 is kept`.
    """
    if isinstance(error, GlioscopeError):
        return error
    text = str(error)
    if told := _TOLD.search(text):
        kind = getattr(__import__("glioscope.core.errors", fromlist=[told[1]]), told[1], GlioscopeError)
        return kind(told[2])
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or _NO_MEMORY.search(text):
        return ProcessingFailed(
            f"There was not enough memory for {where}; {kept}. A smaller training.batch (with a larger training.accumulate), a "
            "smaller training.patch or a smaller network needs less."
        )
    if _WORKER.search(text):
        return ProcessingFailed(
            f"A process that prepares samples was ended at {where}, most likely for want of memory; {kept}. Use fewer with "
            "--workers."
        )
    if isinstance(error, ProcessExitedException) or _LEFT.search(text):
        return ProcessingFailed(
            f"One of the processes that train together was ended at {where}, most likely for want of memory; {kept}. A smaller "
            "training.batch or fewer --devices need less."
        )
    if _FULL.search(text) or (isinstance(error, OSError) and error.errno == errno.ENOSPC):
        return OutputUnwritable(f"The disk is full at {where}; {kept}. Free some space and run the same command again.")
    return None
