"""What `glioscope quality` leaves in an exam's results folder for the report to show, as long as it is of what lies there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from glioscope.core import InputUnreadable
from glioscope.core.files import ensure_folder, read_json, sha256, write_json
from glioscope.workflows.rater_cases import label_maps

__all__ = ["ASSESSMENT", "add_to_assessment", "check_assessable", "current_assessment", "judged_files", "read_assessment"]

ASSESSMENT = Path("report") / "assessment.json"
"""Alarms, uncertainty and second opinion, below the exam's folder."""

JUDGED = "judged"
"""In each part: files of the exam's folder -> SHA-256 when they were judged."""


def check_assessable(folder: Path) -> None:
    """See before the work whether `add_to_assessment` will be able to write.

    Raises:
        InputUnreadable: there is no such folder, or the earlier file is damaged.
        OutputUnwritable: it cannot be written.
    """
    if not folder.is_dir():
        raise InputUnreadable(f"'{folder}' is not the folder of an exam in a results folder, such as results/sub-7.")
    read_assessment(folder / ASSESSMENT)
    ensure_folder((folder / ASSESSMENT).parent)


def judged_files(folder: Path, files: Iterable[Path]) -> dict[str, str]:
    """Those of `files` that lie in the exam's folder, by their place in it -> SHA-256.

    Where none does (masks from elsewhere were judged in the exam's name), the exam's own label maps: when they change, what was
    said of the exam is no longer of what the report shows.
    """
    root = folder.resolve()
    inside = [path for path in (file.resolve() for file in files) if root in path.parents]
    judged = inside or [path.resolve() for path in label_maps(folder).values()]
    return {str(path.relative_to(root).as_posix()): sha256(path) for path in sorted(judged) if root in path.parents}


def add_to_assessment(folder: Path, part: str, document: Mapping[str, Any], judged: Mapping[str, str]) -> Path:
    """Keep `document` as the exam's `part` of evidence, in place of an earlier one.

    Args:
        folder: The exam's.
        part: `alarms`, `uncertainty` or `second_opinion`.
        document: JSON-ready.
        judged: What `judged_files` gave before the work.

    Raises:
        InputUnreadable: there is no such folder, or the earlier file is damaged.
        OutputUnwritable: it cannot be written.
    """
    check_assessable(folder)
    path = folder / ASSESSMENT
    write_json(path, dict(sorted({**read_assessment(path), part: {**document, JUDGED: dict(judged)}}.items())))
    return path


def current_assessment(folder: Path) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The parts that are of what lies in the exam's folder now; and those that are not -> the files that changed since.

    A part without checksums cannot be told to be current, and is not taken for it.

    Raises:
        InputUnreadable: the file is damaged.
    """
    current: dict[str, Any] = {}
    outdated: dict[str, list[str]] = {}
    for part, document in read_assessment(folder / ASSESSMENT).items():
        judged = document.get(JUDGED)
        files = judged if isinstance(judged, dict) else {}
        changed = [name for name, digest in sorted(files.items()) if _digest(folder / name) != digest]
        if changed or not isinstance(judged, dict):
            outdated[part] = changed
        else:
            current[part] = {key: value for key, value in document.items() if key != JUDGED}
    return current, outdated


def _digest(path: Path) -> str | None:
    return sha256(path) if path.is_file() else None


def read_assessment(path: Path) -> dict[str, Any]:
    """What was left, by part; nothing where there is no file. Raises InputUnreadable for a damaged one."""
    if not path.is_file():
        return {}
    try:
        document = read_json(path)
        sound = isinstance(document, dict) and all(isinstance(part, dict) for part in document.values())
    except (OSError, ValueError):
        sound = False
    if not sound:
        raise InputUnreadable(f"'{path}' is damaged; remove it, and run `glioscope quality` again.")
    return dict(document)
