"""The files below a folder, whatever links and hidden litter it holds."""

from __future__ import annotations

import os
from pathlib import Path

from glioscope.core import InputUnreadable
from glioscope.core.files import read_json

__all__ = ["list_files", "without_results"]

MAX_FILES = 500_000
MAX_DEPTH = 32
_LITTER = {"__MACOSX", "lost+found", "$RECYCLE.BIN", "System Volume Information"}


def list_files(root: Path) -> list[Path]:
    """All regular files below `root`, sorted; linked folders are entered once, hidden ones never.

    Raises:
        InputUnreadable: a folder cannot be listed (an exam of a cohort would be lost), or there are more files than any exam
            or cohort has.
    """
    seen: set[tuple[int, int]] = set()
    files: list[Path] = []
    pending = [(root, 0)]
    while pending:
        folder, depth = pending.pop()
        try:
            stat = folder.stat()
            if (stat.st_dev, stat.st_ino) in seen or depth > MAX_DEPTH:
                continue
            seen.add((stat.st_dev, stat.st_ino))
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            raise InputUnreadable(
                f"The folder '{folder.relative_to(root.parent)}' cannot be listed ({error.strerror}); check its permissions."
            ) from error
        for entry in entries:
            if entry.name.startswith(".") or entry.name in _LITTER:
                continue
            try:
                if entry.is_dir():
                    pending.append((Path(entry.path), depth + 1))
                elif entry.is_file():
                    files.append(Path(entry.path))
            except OSError:
                continue
        if len(files) > MAX_FILES:
            raise InputUnreadable(
                f"'{root.name}' holds more than {MAX_FILES} files; name the folder of the exam or cohort itself."
            )
    return sorted(files)


def without_results(root: Path, files: list[Path]) -> list[Path]:
    """`files` without what Glioscope itself wrote to output folders below `root`, so that no result is taken for an exam."""
    results = {f.parent for f in files if f.name == "dataset_description.json" and f.parent != root and _is_ours(f)}
    return [file for file in files if results.isdisjoint(file.parents)] if results else files


def _is_ours(description: Path) -> bool:
    try:
        return any(maker["Name"] == "Glioscope" for maker in read_json(description)["GeneratedBy"])
    except (OSError, ValueError, LookupError, TypeError):
        return False
