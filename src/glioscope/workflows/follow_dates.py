"""When exams were made: kept as days from the first, never as dates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path

from glioscope.core import InputUnreadable
from glioscope.core.counting import counted
from glioscope.core.files import read_json

__all__ = ["Days", "days_of", "parse_days"]

Days = tuple[float, ...]
"""One number an exam: whole days from any common origin."""

_KEYS = ("AcquisitionDateTime", "AcquisitionDate", "SeriesDate", "StudyDate", "ContentDate")
_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)-?([01]\d)-?([0-3]\d)(?!\d)")
_BRATS_REG = re.compile(r"BraTSReg_\d+_\d\d_(\d{4})(?!\d)")


def parse_days(text: str, count: int) -> Days:
    """Days from `--dates`: `2021-03-01,2021-09-10` or days such as `0,193`, one an exam in the order given.

    Raises:
        InputUnreadable: not as many as there are exams, or neither dates nor numbers.
    """
    words = [word.strip() for word in text.split(",")]
    if len(words) != count:
        raise InputUnreadable(
            f"--dates has {counted(len(words), 'entry', 'entries')} for {count} exams; give one an exam, in the same order."
        )
    dates = [_date(word) for word in words]
    if None not in dates:
        return tuple(float(day) for day in dates if day is not None)
    if all(re.fullmatch(r"-?\d+", word) for word in words):
        return tuple(float(word) for word in words)
    raise InputUnreadable("--dates takes dates (2021-03-01) or days (0,193), all of one kind, with commas between.")


def days_of(places: Sequence[Iterable[Path]]) -> tuple[Days, str] | None:
    """Days of exams, and in a few words where they were read; None where not all of them tell.

    The sidecars (JSON) beside the images are asked first, then the names of files and folders. Only the days between exams are
    ever handed on.

    Args:
        places: For each exam, its files and folders.
    """
    known = [list(paths) for paths in places]
    for source, ask in (("the sidecars", _from_sidecars), ("their names", _from_names)):
        days = [ask(paths) for paths in known]
        if all(day is not None for day in days):
            return tuple(float(day) for day in days if day is not None), source
    return None


def _date(text: str) -> int | None:
    """The day of a date in `text`, counted from any origin."""
    found = _DATE.search(text)
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3])).toordinal()
    except ValueError:
        return None


def _from_sidecars(paths: list[Path]) -> int | None:
    for path in paths:
        folder = path if path.is_dir() else path.parent
        stem = path.name.removesuffix(".gz").removesuffix(".nii")
        for sidecar in [folder / f"{stem}.json"] if path.is_file() else []:
            try:
                told = read_json(sidecar)
            except (OSError, ValueError):
                continue
            for key in _KEYS if isinstance(told, dict) else ():
                day = _moment(told.get(key))
                if day is not None:
                    return day
    return None


def _moment(value: object) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value).toordinal()
    except ValueError:
        return _date(value)


def _from_names(paths: list[Path]) -> int | None:
    for path in paths:
        for name in (path.name, path.parent.name if path.is_file() else ""):
            if found := _BRATS_REG.search(name):
                return int(found[1])
            if (day := _date(name)) is not None:
                return day
    return None
