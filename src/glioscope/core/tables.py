"""Tables that people write: CSV or TSV, from any spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from glioscope.core.errors import InputUnreadable

__all__ = ["delimiter_of", "read_cells", "refuse_twins"]

MAX_BYTES = 64 * 2**20


def delimiter_of(lines: Sequence[str]) -> str:
    """What parts the cells of a table, by its line of column names: a tab, a comma, or a semicolon (Excel in Europe)."""
    head = lines[0] if lines else ""
    return "\t" if "\t" in head else ";" if head.count(";") > head.count(",") else ","


def read_cells(path: Path, each: str) -> list[list[str]]:
    """The rows of a table that hold anything, the first one the names of its columns, all of them as long as that.

    Args:
        path: The file, in UTF-8 with or without a mark, its lines ended in any way.
        each: What a row is of, for the sentence where there is none.

    Raises:
        InputUnreadable: not readable, not UTF-8, above 64 MB, not CSV, no rows, or a row with more cells than columns.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputUnreadable(f"'{path.name}' is too large for a table of {each}s.")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputUnreadable(f"'{path.name}' cannot be read ({error.strerror}); check its permissions.") from error
    except UnicodeDecodeError as error:
        raise _unusable(path, "not UTF-8 text") from error
    if "\0" in text:  # UTF-16 without a mark
        raise _unusable(path, "not UTF-8 text")
    lines = io.StringIO(text, newline=None).readlines()
    delimiter = "\t" if path.suffix.lower() == ".tsv" else delimiter_of(lines)
    try:
        found = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter, strict=True)]
    except csv.Error as error:
        raise _unusable(path, str(error)) from error
    rows = [row for row in found if any(row)]
    if len(rows) < 2:
        raise InputUnreadable(f"'{path.name}' has no rows; it needs a line of column names and a line for each {each}.")
    width = len(rows[0])
    for number, row in enumerate(rows, start=1):
        if any(row[width:]):
            raise InputUnreadable(
                f"'{path.name}' has more cells in row {number} than columns; put quotes around a cell that holds '{delimiter}'."
            )
    return [(row + [""] * width)[:width] for row in rows]


def refuse_twins(path: Path, columns: Iterable[str]) -> None:
    """Raise InputUnreadable where two columns of a table have one name, of which one would be passed over."""
    named = [column for column in columns if column]
    if twice := next((column for column in named if named.count(column) > 1), None):
        raise InputUnreadable(f"'{path.name}' has two columns for '{twice}'; leave one.")


def _unusable(path: Path, why: str) -> InputUnreadable:
    return InputUnreadable(f"'{path.name}' is not a usable table ({why}); save it as CSV with UTF-8 encoding.")
