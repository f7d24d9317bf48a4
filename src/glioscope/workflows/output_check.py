"""Whether a file can be written, asked before the work whose result it is to hold."""

from __future__ import annotations

from pathlib import Path

from glioscope.core import OutputUnwritable
from glioscope.core.files import ensure_folder

__all__ = ["check_output"]


def check_output(path: Path) -> None:
    """Make the folder of `path` and prove that a file can be made in it.

    Raises:
        OutputUnwritable: it cannot, or `path` is a folder.
    """
    if path.is_dir():
        raise OutputUnwritable(f"'{path}' is a folder; name the file to write.")
    ensure_folder(path.parent)
