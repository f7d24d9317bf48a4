"""Dates moved by the same number of days for all that a patient has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from glioscope.deidentification.secret_key import SecretKey

__all__ = ["DateShift"]

MOST_DAYS = 3650

_DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")
_TIME = re.compile(r"([01]\d|2[0-3])(?::?([0-5]\d)(?::?([0-5]\d|60)(\.\d{1,6})?)?)?")


@dataclass(frozen=True)
class DateShift:
    """Takes `days` (1 to 3650) off every date, so that intervals stay and the season, the weekday and the year do not.

    Times of day stay: whole days are taken off, and the order of what happened within a day is needed.
    """

    days: int

    @classmethod
    def of(cls, key: SecretKey, patient: str) -> DateShift:
        """The shift of a patient, drawn from the key."""
        return cls(1 + key.number("days", patient, MOST_DAYS))

    def date(self, value: str) -> str | None:
        """A DICOM date (DA, also with the dots of old) moved; None where it is none, or would be before the year 1."""
        found = _DATE.fullmatch(value.strip())
        if not found:
            return None
        try:
            moved = date(*map(int, found.groups())) - timedelta(days=self.days)
        except (ValueError, OverflowError):
            return None
        return f"{moved.year:04d}{moved.month:02d}{moved.day:02d}"

    @staticmethod
    def time(value: str) -> str | None:
        """A DICOM time (TM) as it is; None where it is none."""
        found = _TIME.fullmatch(value.strip())
        return "".join(part or "" for part in found.groups()) if found else None

    def datetime(self, value: str) -> str | None:
        """A DICOM date-time (DT) moved, without its offset from UTC; None where it is not exact to the day."""
        text = re.sub(r"[+-]\d{4}$", "", value.strip())
        day, time = self.date(text[:8]), self.time(text[8:]) if len(text) > 8 else ""
        return None if day is None or time is None else day + time
