"""A table of exams: one row each, with a file per sequence or the path of a folder or zip."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from glioscope.core import AmbiguousExam, GlioscopeError, InputUnreadable, bids_name, parse_sequence
from glioscope.core.tables import read_cells, refuse_twins
from glioscope.inspection.images import given_candidate
from glioscope.inspection.material import Material

__all__ = ["earlier_source", "is_manifest", "manifest_materials"]

_ID = {"id", "subject", "subjectid", "patient", "patientid", "participant", "participantid", "exam", "examid", "case", "caseid"}
_SESSION = {"session", "ses", "sessionid", "timepoint", "visit"}
_PATH = {"path", "folder", "directory", "dir"}


def is_manifest(path: Path) -> bool:
    """Whether the file's name has the ending of a table."""
    return path.suffix.lower() in (".csv", ".tsv")


def earlier_source(column: str) -> str | None:
    """What a column names of the patient's earlier exam: `exam` for the whole, `pre-t1c`, `pre-mask` …; or None."""
    plain = _plain(column)
    if plain in ("earlier", "premask"):
        return "exam" if plain == "earlier" else "pre-mask"
    sequence = parse_sequence(plain.removeprefix("pre")) if plain.startswith("pre") else None
    return f"pre-{sequence}" if sequence else None


def _plain(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum())


def _rows(path: Path) -> list[dict[str, str]]:
    """The rows under plain column names."""
    table = read_cells(path, "exam")
    columns = [_plain(name) for name in table[0]]
    refuse_twins(path, (str(parse_sequence(column) or column) for column in columns))
    return [dict(zip(columns, row, strict=True)) for row in table[1:]]


def _row_material(
    path: Path, exam_id: str, session: str | None, row: dict[str, str], explore: Callable[[Path, str], list[Material]]
) -> Material:
    images = {s: path.parent / value for name, value in row.items() if value and (s := parse_sequence(name))}
    folder = next((path.parent / value for name, value in row.items() if name in _PATH and value), None)
    if not images and folder is None:
        raise InputUnreadable(f"'{path.name}' names no file for '{exam_id}'.")
    earlier = {source: path.parent / value for name, value in row.items() if value and (source := earlier_source(name))}
    files = {value for name, value in row.items() if value and (name in _PATH or parse_sequence(name) or earlier_source(name))}
    missing = [f"'{value}'" for value in row.values() if value in files and not (path.parent / value).exists()]
    if missing:
        raise InputUnreadable(f"'{path.name}' names {', '.join(missing)} for '{exam_id}', which does not exist beside it.")
    candidates = [given_candidate(file, sequence) for sequence, file in images.items()]
    if folder is not None:
        if is_manifest(folder):
            raise InputUnreadable(f"'{path.name}' names another table for '{exam_id}'; name an exam.")
        within = explore(folder, exam_id)
        if len(within) > 1:
            raise AmbiguousExam(f"The path of '{exam_id}' in '{path.name}' holds {len(within)} exams; give each its own row.")
        if within[0].problem is not None:
            raise within[0].problem
        candidates += [c for c in within[0].candidates if c.files[0] not in images.values()]
        return Material(exam_id, session, "manifest", tuple(candidates), brats=within[0].brats, earlier=earlier)
    return Material(exam_id, session, "manifest", tuple(candidates), earlier=earlier)


def manifest_materials(path: Path, explore: Callable[[Path, str], list[Material]]) -> list[Material]:
    """One exam a row; a row that cannot be used is an exam with a problem.

    Args:
        path: Table with columns `id` and optionally `session`, and either one column per sequence in any of the field's
            spellings (`t1n`, `T1-Gd`, `flair` …) or `path`. Files are relative to the table.
        explore: Finds the exams of a folder or zip under a given id.

    Raises:
        InputUnreadable: as `read_cells`; no id column, no file column, two of one name, a row without id, or one exam twice.
    """
    rows = _rows(path)
    columns = set().union(*rows)
    id_column = next((name for name in rows[0] if name in _ID), None)
    if id_column is None:
        raise InputUnreadable(f"'{path.name}' has no column 'id'; it needs id, and t1n, t1c, t2w, t2f or path.")
    if not any(name in _PATH or parse_sequence(name) for name in columns):
        raise InputUnreadable(f"'{path.name}' has no column with files; it needs t1n, t1c, t2w, t2f (some of them) or path.")
    out: list[Material] = []
    taken: set[tuple[str, str | None]] = set()
    for number, row in enumerate(rows, 2):
        if not re.search("[0-9A-Za-z]", row[id_column].removeprefix("sub-")):
            told = f"the id '{row[id_column]}', without a letter or digit (A to Z, 0 to 9)," if row[id_column] else "no id"
            raise InputUnreadable(f"'{path.name}' has {told} in row {number}.")
        label = next((row[name] for name in row if name in _SESSION and row[name]), None)
        exam_id, session = (
            bids_name(row[id_column].removeprefix("sub-")),
            bids_name(label.removeprefix("ses-")) if label else None,
        )
        if (exam_id, session) in taken:
            raise InputUnreadable(f"'{path.name}' has two rows for '{exam_id}'; give them different ids or sessions.")
        taken.add((exam_id, session))
        try:
            out.append(_row_material(path, exam_id, session, row, explore))
        except GlioscopeError as error:
            out.append(Material(exam_id, session, "manifest", problem=error))
        except (OSError, ValueError) as error:  # a path that no file system accepts
            problem = InputUnreadable(
                f"'{path.name}' names a file for '{exam_id}' that cannot be opened ({type(error).__name__})."
            )
            out.append(Material(exam_id, session, "manifest", problem=problem))
    return out
