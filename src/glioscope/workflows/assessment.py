"""What `glioscope quality` leaves in an exam's results folder for the report to show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glioscope.core import InputUnreadable
from glioscope.core.files import write_json

__all__ = ["ASSESSMENT", "add_to_assessment", "read_assessment"]

ASSESSMENT = Path("report") / "assessment.json"
"""Alarms, uncertainty and second opinion, below the exam's folder."""


def add_to_assessment(folder: Path, part: str, document: Mapping[str, Any]) -> Path:
    """Keep `document` as the exam's `part` of evidence, in place of an earlier one.

    Raises:
        InputUnreadable: there is no such folder, or the earlier file is damaged.
        OutputUnwritable: it cannot be written.
    """
    if not folder.is_dir():
        raise InputUnreadable(f"'{folder}' is not the folder of an exam in a results folder, such as results/sub-7.")
    path = folder / ASSESSMENT
    write_json(path, dict(sorted({**read_assessment(path), part: dict(document)}.items())))
    return path


def read_assessment(path: Path) -> dict[str, Any]:
    """What was left, by part; nothing where there is no file. Raises InputUnreadable for a damaged one."""
    if not path.is_file():
        return {}
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        sound = isinstance(document, dict) and all(isinstance(part, dict) for part in document.values())
    except (OSError, ValueError):
        sound = False
    if not sound:
        raise InputUnreadable(f"'{path}' is damaged; remove it, and run `glioscope quality` again.")
    return dict(document)
