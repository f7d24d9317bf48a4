"""The table of a study: which patient has which reference, predictions, raters, fold, hospital and set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from glioscope.core import InputUnreadable
from glioscope.workflows.case_pairs import read_table

__all__ = ["RATER_KINDS", "StudyManifest", "StudyRow", "read_study"]

RATER_KINDS = ("novice", "expert", "rater")
"""Words before the colon of a column that holds a person's label maps."""

MODEL = "model"
ALL = "all"


@dataclass(frozen=True)
class StudyRow:
    """One patient.

    Attributes:
        id: Name of the patient.
        reference: Label map of the truth.
        predictions: Model -> label map; None where it is missing and counts as empty.
        raters: Rater -> label map.
        fold, site: Of the patient, or None.
        set: Which patients it is reported with, such as val or test.
    """

    id: str
    reference: Path
    predictions: Mapping[str, Path | None]
    raters: Mapping[str, Path]
    fold: str | None
    site: str | None
    set: str


@dataclass(frozen=True)
class StudyManifest:
    """All patients, the models in the order of their columns, and rater -> kind (one of RATER_KINDS)."""

    rows: tuple[StudyRow, ...]
    models: tuple[str, ...]
    kinds: Mapping[str, str]


def read_study(path: Path, *, allow_missing: bool = False) -> StudyManifest:
    """The table of a study.

    Columns: `id`, `reference`, one `model:NAME` a model (or a single `prediction`), and where there are any `fold`, `site` (or
    `hospital`), `set`, and the raters `novice:NAME`, `expert:NAME` or `rater:NAME`. Files are relative to the table.

    Args:
        path: CSV or TSV.
        allow_missing: Let a prediction be missing, and count it as empty.

    Raises:
        InputUnreadable: not such a table, a model or a reference is missing, or two columns have one name.
    """
    if not path.is_file():
        raise InputUnreadable(f"'{path}' does not exist or is not a file; give a CSV table of the cohort.")
    columns, rows = read_table(path, keep_case=True)
    models = {c: c.partition(":")[2] for c in columns if c.startswith(f"{MODEL}:")}
    models |= {c: c for c in columns if c == "prediction"}
    kinds = {c: c.partition(":")[0] for c in columns if c.partition(":")[0] in RATER_KINDS and c.partition(":")[2]}
    if "reference" not in columns:
        raise InputUnreadable(f"'{path.name}' has no column 'reference'; its columns are {', '.join(columns)}.")
    if not models:
        raise InputUnreadable(f"'{path.name}' has no model; name its column 'prediction', or 'model:NAME' for several.")
    names = [*models.values(), *(c.partition(":")[2] for c in kinds)]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputUnreadable(f"'{path.name}' has two columns for '{twice}'; give each model and each rater a name of its own.")
    found = []
    for row in rows:
        if not row.get("reference"):
            raise InputUnreadable(f"'{path.name}' names no reference for '{row['id']}'.")
        if (lacking := next((name for c, name in models.items() if not row.get(c)), None)) and not allow_missing:
            raise InputUnreadable(
                f"'{path.name}' names no prediction of '{lacking}' for '{row['id']}'; use --allow-missing to count it as empty."
            )
        found.append(
            StudyRow(
                row["id"],
                path.parent / row["reference"],
                {name: path.parent / row[c] if row.get(c) else None for c, name in models.items()},
                {c.partition(":")[2]: path.parent / row[c] for c in kinds if row.get(c)},
                row.get("fold") or None,
                row.get("site") or row.get("hospital") or None,
                row.get("set") or ALL,
            )
        )
    return StudyManifest(tuple(found), tuple(models.values()), {c.partition(":")[2]: kind for c, kind in kinds.items()})
