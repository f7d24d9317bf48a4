"""The patient-wise tables of a study of residual tumour: several models, several sets of patients, and the hospitals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from glioscope.evaluation.residual import ResidualPatient, ResidualStudy, Spread

__all__ = ["CLASSIFICATION", "SEGMENTATION", "STUDY_TITLES", "hospital_rows", "in_percent", "study_row"]

SEGMENTATION = ("dice_positive", "dice_true_positive", "recall", "precision", "f1")
"""Numbers of table 3 of the paper: two voxel-wise, three patient-wise."""

CLASSIFICATION = ("sensitivity", "specificity", "balanced_accuracy")
"""Numbers of table 4: gross total resection against residual tumour."""

STUDY_TITLES = {
    "dice_positive": "DSC-P",
    "dice_true_positive": "DSC-TP",
    "recall": "Recall",
    "precision": "Precision",
    "f1": "F1",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "balanced_accuracy": "bAcc",
}


def study_row(study: ResidualStudy) -> dict[str, Spread]:
    """Every number of both tables as mean and spread, fractions.

    With two folds or more: over the folds, as the validation rows of the paper. Else as its test rows: the rates of all
    patients at once, without a spread, and Dice over patients.
    """
    names = tuple(dict.fromkeys(SEGMENTATION + CLASSIFICATION))
    if len(study.folds) > 1:
        return {name: study.over_folds[name] for name in names}
    values = {name: getattr(study.overall, name) for name in names}
    return {name: v if isinstance(v, Spread) else Spread(v, math.nan, 1) for name, v in values.items()}


def in_percent(spread: Spread) -> str:
    """Mean and SD in percent with two digits, as the paper prints them; a dash where there is no mean."""
    if not math.isfinite(spread.mean):
        return "–"
    sd = f"±{100 * spread.sd:.2f}" if math.isfinite(spread.sd) else ""
    return f"{100 * spread.mean:.2f}{sd}"


def hospital_rows(
    patients: Iterable[ResidualPatient], threshold_ml: float, studies: Mapping[str, ResidualStudy]
) -> list[dict[str, Any]]:
    """One row a hospital: its patients by the reference (table 1 of the paper), and each model's sensitivity and specificity.

    Args:
        patients: Of one model; the references are the same for all.
        threshold_ml: From which volume on tumour is left.
        studies: Model -> its study of these patients.
    """
    by_site: dict[str, list[ResidualPatient]] = {}
    for patient in patients:
        if patient.site is not None:
            by_site.setdefault(patient.site, []).append(patient)
    rows = []
    for site, there in sorted(by_site.items()):
        residual = _residual(there, threshold_ml)
        row: dict[str, Any] = {
            "site": site,
            "patients": len(there),
            "residual_tumour": residual,
            "gross_total_resection": len(there) - residual,
            "residual_percent": round(100 * residual / len(there), 1),
        }
        for model, study in studies.items():
            for name in CLASSIFICATION:
                value = getattr(study.sites[site], name)
                row[f"{model} {name}"] = round(100 * value, 2) if math.isfinite(value) else None
        rows.append(row)
    return rows


def _residual(patients: Sequence[ResidualPatient], threshold_ml: float) -> int:
    return sum(patient.reference_ml >= threshold_ml for patient in patients)
