"""Reading the JSON documents that a command of Glioscope wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from glioscope.core import InputUnreadable
from glioscope.core.files import read_json

__all__ = ["read_result"]


def read_result(path: Path, remedy: str = "; run `glioscope run` again") -> dict[str, Any]:
    """The document at `path`; raises InputUnreadable with `remedy` where it is missing, damaged or no document of Glioscope."""
    try:
        document = read_json(path)
    except (OSError, ValueError) as error:
        raise InputUnreadable(f"'{path}' is missing or is no JSON file{remedy}.") from error
    if not isinstance(document, dict):
        raise InputUnreadable(f"'{path}' is not a document of Glioscope{remedy}.")
    return document
