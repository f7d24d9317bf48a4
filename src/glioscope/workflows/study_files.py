"""Writing a study: its tables as CSV and Markdown, its figure, its numbers as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glioscope.core.files import write_bytes, write_json, write_text
from glioscope.evaluation.residual import Spread
from glioscope.evaluation.study_tables import CLASSIFICATION, SEGMENTATION, STUDY_TITLES, in_percent
from glioscope.workflows.score_files import write_table

if TYPE_CHECKING:
    from glioscope.workflows.study import Study

__all__ = ["printed_tables", "write_study"]

_TITLES = {
    "table3": "Segmentation of residual tumour (%), as table 3",
    "table4": "Gross total resection against residual tumour (%), as table 4",
}


def printed_tables(study: Study) -> dict[str, tuple[list[str], list[list[str]]]]:
    """Title -> columns and rows of both tables, in percent, as the paper prints them."""
    out = {}
    for name, numbers in (("table3", SEGMENTATION), ("table4", CLASSIFICATION)):
        rows = [
            [row["set"], row["model"], str(row["patients"]), *(in_percent(row[key]) for key in numbers)]
            for row in study.rows(numbers)
        ]
        out[_TITLES[name]] = (["Set", "Model", "Patients", *(STUDY_TITLES[key] for key in numbers)], rows)
    return out


def write_study(out: Path, study: Study) -> tuple[Path, ...]:
    """Write everything into `out`; raises OutputUnwritable."""
    about = dict(study.document()["definitions"])
    files = [_figure(out / "figure4.png", study)] if study.raters else []  # first, as it takes longest
    for name, numbers in (("table3", SEGMENTATION), ("table4", CLASSIFICATION)):
        rows = [_flat(row, numbers) for row in study.rows(numbers)]
        columns = ["set", "model", "patients", "folds", *(f"{key}_{part}" for key in numbers for part in ("percent", "sd"))]
        files.append(_table(out / f"{name}.csv", columns, rows, about))
    hospitals = study.hospitals()
    if hospitals:
        files.append(_table(out / "hospitals.csv", list(hospitals[0]), hospitals, about))
    files.append(_table(out / "patients.csv", *_patients(study), about))
    if study.raters:
        rows = [
            {
                "id": case,
                "rater": name,
                "kind": study.kinds[name],
                "with_reference": found.with_reference[name],
                "with_consensus": found.with_consensus[name],
            }
            for case, found in study.raters.items()
            for name in found.with_consensus
        ]
        files.append(_table(out / "raters.csv", ["id", "rater", "kind", "with_reference", "with_consensus"], rows, about))
    write_text(out / "tables.md", _markdown(study))
    write_json(out / "study.json", study.document())
    return (*files, out / "tables.md", out / "study.json")


def _table(path: Path, columns: Sequence[str], rows: Sequence[dict[str, Any]], about: dict[str, Any]) -> Path:
    write_table(path, columns, rows, about)
    return path


def _figure(path: Path, study: Study) -> Path:
    from glioscope.evaluation.rater_plot import rater_plot

    write_bytes(path, rater_plot(study.agreement(), study.kinds))
    return path


def _flat(row: dict[str, Any], numbers: Sequence[str]) -> dict[str, Any]:
    """A row with mean and SD in percent, in columns of their own."""
    out = {key: row[key] for key in ("set", "model", "patients", "folds")}
    for key in numbers:
        spread: Spread = row[key]
        out[f"{key}_percent"] = round(100 * spread.mean, 2) if math.isfinite(spread.mean) else None
        out[f"{key}_sd"] = round(100 * spread.sd, 2) if math.isfinite(spread.sd) else None
    return out


def _patients(study: Study) -> tuple[list[str], list[dict[str, Any]]]:
    """One row a patient and model, with the class that each got."""
    cut = study.threshold_ml
    rows = [
        {
            "id": p.id,
            "set": name,
            "model": model,
            "fold": p.fold,
            "site": p.site,
            "reference_ml": round(p.reference_ml, 4),
            "predicted_ml": round(p.predicted_ml, 4),
            "dice": round(p.dice, 4),
            "reference_class": "RT" if p.reference_ml >= cut else "GTR",
            "predicted_class": "RT" if p.predicted_ml >= cut else "GTR",
        }
        for model, sets in study.patients.items()
        for name, listed in sets.items()
        for p in listed
    ]
    return list(rows[0]), rows


def _markdown(study: Study) -> str:
    parts = []
    for title, (columns, rows) in printed_tables(study).items():
        lines = ["| " + " | ".join(cells) + " |" for cells in [columns, ["---"] * len(columns), *rows]]
        parts.append(f"## {title}\n\n" + "\n".join(lines))
    note = (
        f"Residual tumour from {study.threshold_ml:g} ml on. With folds: mean ± SD over folds; without: rates of all patients, "
        "Dice as mean ± SD over patients. Not a medical device."
    )
    return "\n\n".join([*parts, note]) + "\n"
