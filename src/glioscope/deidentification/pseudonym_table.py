"""The table that leads from pseudonyms back to patients: a file of its own, kept apart from what is exported."""

from __future__ import annotations

import csv
import io
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from glioscope.core import InputUnreadable
from glioscope.core.files import atomic
from glioscope.deidentification.pseudonyms import drawn_pseudonym
from glioscope.deidentification.secret_key import SecretKey

__all__ = ["PseudonymTable", "Row"]

_COLUMNS = ("kind", "pseudonym", "patient_id", "issuer", "patient_name", "birth_date", "study_uid", "recognised_by")


@dataclass(frozen=True)
class Row:
    """A patient (`kind` patient) or an exam (`kind` exam) and its pseudonym. `recognised_by` is a keyed digest."""

    kind: str
    pseudonym: str
    patient_id: str = ""
    issuer: str = ""
    patient_name: str = ""
    birth_date: str = ""
    study_uid: str = ""
    recognised_by: str = ""


class PseudonymTable:
    """Pseudonyms given so far, none of them twice. Belongs to one key and one level.

    A file of tab-separated values, readable by its owner alone (mode 0600). The first line holds the level and the fingerprint
    of the key, so that a wrong key is refused instead of giving a patient a second name.
    """

    def __init__(self, path: Path, key: SecretKey, level: str, naming: Callable[[SecretKey, str, str, int], str]) -> None:
        self.path, self._key, self._level, self._naming = path, key, level, naming
        self._rows: dict[tuple[str, str], Row] = {}
        self._taken: set[str] = set()
        self._changed = False
        if path.exists():
            self._read()

    def pseudonym(self, kind: str, text: str, **known: str) -> str:
        """The pseudonym of a patient or exam that is recognised by `text`: the one it has, else a new one.

        Args:
            kind: `patient` or `exam`.
            text: What it is recognised by.
            known: Further columns, to be written down for a new one.
        """
        digest = self._key.draw("recognised-by", f"{kind}\n{text}").hex()[:32]
        row = self._rows.get((kind, digest))
        if row is None:
            name = drawn_pseudonym(self._naming, self._key, kind, text, self._taken)
            clean = {column: _line(value) for column, value in known.items()}
            row = Row(kind, name, recognised_by=digest, **clean)
            self._keep(row)
            self._changed = True
        return row.pseudonym

    def write(self) -> None:
        """Write the table where something is new; raises OutputUnwritable."""
        if not self._changed and self.path.exists():
            return
        stream = io.StringIO()
        stream.write(f"# glioscope pseudonyms\t{self._level}\tkey {self._key.fingerprint}\n")
        writer = csv.writer(stream, dialect="excel-tab", lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows(
            [getattr(row, c) for c in _COLUMNS] for row in sorted(self._rows.values(), key=lambda r: (r.kind, r.pseudonym))
        )
        with atomic(self.path) as scratch:
            descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as sink:
                sink.write(stream.getvalue())
        self._changed = False

    def _keep(self, row: Row) -> None:
        self._rows[row.kind, row.recognised_by] = row
        self._taken.add(row.pseudonym)

    def _read(self) -> None:
        name = self.path
        try:
            text = self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputUnreadable(f"The table '{name}' cannot be read; name the right file, or a new one.") from error
        head, _, body = text.partition("\n")
        said = head.split("\t")
        rows = list(csv.reader(io.StringIO(body), dialect="excel-tab"))
        if said[0] != "# glioscope pseudonyms" or len(said) != 3 or not rows or tuple(rows[0]) != _COLUMNS:
            raise InputUnreadable(f"'{name}' is not a table of pseudonyms; name the right file, or a new one.")
        if said[1] != self._level:
            raise InputUnreadable(
                f"'{name}' is the table of the {said[1]} level, not of the {self._level}; name the other one."
            )
        if said[2] != f"key {self._key.fingerprint}":
            raise InputUnreadable(f"'{name}' was made with another key; name the key that belongs to it.")
        if any(len(row) != len(_COLUMNS) for row in rows[1:]):
            raise InputUnreadable(f"'{name}' has a damaged line; restore the table from a copy.")
        if os.name == "posix" and stat.S_IMODE(self.path.stat().st_mode) & 0o077:
            raise InputUnreadable(f"Others may read the table '{name}'; close it with: chmod 600 '{name}'")
        for row in rows[1:]:
            self._keep(Row(*row))


def _line(value: str) -> str:
    return " ".join(value.replace("\0", " ").split())
