"""Work for processes that live longer than the call that began them."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["in_working_folder"]

Found = TypeVar("Found")


def in_working_folder(work: Callable[..., Found]) -> Callable[..., Found]:
    """`work`, to be done by a process that may have been started when the working folder was another one.

    joblib keeps its processes for later calls; relative paths would lead them elsewhere after an `os.chdir` between two calls.
    """
    return partial(_work_in, Path.cwd(), work)


def _work_in(folder: Path, work: Callable[..., Found], *arguments: Any, **named: Any) -> Found:  # noqa: ANN401
    os.chdir(folder)
    return work(*arguments, **named)
