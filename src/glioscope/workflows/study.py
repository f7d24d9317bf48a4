"""`glioscope study`: the patient-wise tables of a cohort with references, of one model or several, and of its raters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import GlioscopeError, Grid, InvalidImage, Scheme, SomeExamsFailed, get_scheme, read_labels, region_mask
from glioscope.evaluation.inter_rater import INTER_RATER_DEFINITIONS, InterRater, inter_rater
from glioscope.evaluation.residual import RESIDUAL_DEFINITIONS, ResidualPatient, ResidualStudy, residual_study
from glioscope.evaluation.statistics import summarise
from glioscope.evaluation.study_tables import CLASSIFICATION, SEGMENTATION, hospital_rows, study_row
from glioscope.workflows.progress import Progress
from glioscope.workflows.score_case import FailedCase, on_grid
from glioscope.workflows.study_files import write_study
from glioscope.workflows.study_manifest import StudyManifest, StudyRow, read_study
from glioscope.workflows.surgery_inputs import enhancing_region

__all__ = ["Study", "study"]

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Study:
    """What a study found.

    Attributes:
        region: The region that was compared.
        manifest: The table it came from.
        patients: Model -> set -> its patients.
        studies: Model -> set -> its numbers.
        raters: Patient -> agreement, of those that raters looked at.
        failed: Patients that could not be compared.
        threshold_ml: From which volume on tumour is left.
        files: What was written.
    """

    region: str
    manifest: StudyManifest
    patients: Mapping[str, Mapping[str, tuple[ResidualPatient, ...]]]
    studies: Mapping[str, Mapping[str, ResidualStudy]]
    raters: Mapping[str, InterRater]
    failed: tuple[FailedCase, ...]
    threshold_ml: float
    files: tuple[Path, ...] = ()

    @property
    def kinds(self) -> dict[str, str]:
        """Rater or model -> kind."""
        return {**self.manifest.kinds, **dict.fromkeys(self.manifest.models, "model")}

    def agreement(self) -> dict[str, dict[str, list[float]]]:
        """`reference` and `consensus` -> rater -> Jaccard of every case."""
        out: dict[str, dict[str, list[float]]] = {"reference": {}, "consensus": {}}
        for found in self.raters.values():
            for standard, values in (("reference", found.with_reference), ("consensus", found.with_consensus)):
                for name, value in values.items():
                    out[standard].setdefault(name, []).append(value)
        return out

    def rows(self, names: tuple[str, ...]) -> list[dict[str, Any]]:
        """One row a set and model: mean and SD of each number, fractions."""
        sets = dict.fromkeys(row.set for row in self.manifest.rows)
        found = []
        for name in sets:
            for model in self.manifest.models:
                if study := self.studies[model].get(name):
                    values = study_row(study)
                    about = {"set": name, "model": model, "patients": study.overall.patients, "folds": len(study.folds)}
                    found.append(about | {key: values[key] for key in names})
        return found

    def hospitals(self) -> list[dict[str, Any]]:
        """One row a hospital, over all sets."""
        together = {m: tuple(p for listed in by.values() for p in listed) for m, by in self.patients.items()}
        first = next(iter(together.values()))
        if not any(patient.site for patient in first):
            return []
        minimum = next(iter(next(iter(self.studies.values())).values())).minimum_dice
        studies = {m: residual_study(p, threshold_ml=self.threshold_ml, minimum_dice=minimum) for m, p in together.items()}
        return hospital_rows(first, self.threshold_ml, studies)

    def check(self) -> None:
        """Raise what failed: the case's own error where there is one case, SomeExamsFailed where there are several."""
        if self.failed and len(self.manifest.rows) == 1:
            raise self.failed[0].error
        if self.failed:
            names = ", ".join(case.id for case in self.failed)
            raise SomeExamsFailed(f"{len(self.failed)} of {len(self.manifest.rows)} patients could not be compared: {names}.")

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        tables = {
            name: [{k: v.document() if hasattr(v, "document") else v for k, v in row.items()} for row in self.rows(columns)]
            for name, columns in (("table3", SEGMENTATION), ("table4", CLASSIFICATION))
        }
        agreement = {
            standard: {name: {"kind": self.kinds[name]} | summarise(values).document() for name, values in by.items()}
            for standard, by in self.agreement().items()
        }
        return {
            "region": self.region,
            "threshold_ml": self.threshold_ml,
            **tables,
            "hospitals": self.hospitals() if self.studies else [],
            "figure4": agreement if self.raters else None,
            "studies": {m: {s: study.document() for s, study in by.items()} for m, by in self.studies.items()},
            "definitions": RESIDUAL_DEFINITIONS | INTER_RATER_DEFINITIONS,
            "failed": [{"id": c.id, "error": str(c.error), "exit_code": c.error.exit_code} for c in self.failed],
        }


def study(
    cohort: str | PathLike[str],
    out: str | PathLike[str] | None = None,
    *,
    scheme: str = "residual",
    region: str | None = None,
    threshold_ml: float = 0.175,
    minimum_dice: float = 0.01,
    allow_missing: bool = False,
    resample: bool = False,
    ignore_affine: bool = False,
    progress: Progress | None = None,
) -> Study:
    """Tables 1, 3 and 4 and figure 4 of Helland et al. for a cohort; one bad patient does not harm the others.

    Args:
        cohort: CSV or TSV table; see `read_study`.
        out: Folder for the tables, the figure and study.json; nothing is written where None.
        scheme: Label scheme of all label maps.
        region: Region to compare; the enhancing tumour of the scheme by default.
        threshold_ml: From which volume on tumour is left.
        minimum_dice: Below which a found tumour is not the one that is there.
        allow_missing: Count a missing prediction as empty.
        resample: Bring maps to the reference's grid; else another grid fails the patient.
        ignore_affine: Compare voxel by voxel whatever the headers say of position.
        progress: Told of each patient.

    Returns:
        Everything; call `check()` on it to raise what failed.

    Raises:
        InputUnreadable: the table is not usable.
        InvalidImage: no such scheme or region, or no patient could be compared.
        OutputUnwritable: `out` cannot be written.

    Source: Helland et al., Scientific Reports 2023, sections 2.3.2, 2.3.3 and 3.1 to 3.3.
    """
    from glioscope.core.files import check_folder

    known = get_scheme(scheme)
    name = region or enhancing_region(known)
    if name not in known.regions:
        raise InvalidImage(f"Scheme '{scheme}' has no region '{name}'; it has {', '.join(known.regions)}.")
    manifest = read_study(Path(cohort), allow_missing=allow_missing)
    if out is not None:
        check_folder(Path(out))
    progress = progress or Progress()
    reading = _Reading(known, name, resample, ignore_affine)
    patients: dict[str, dict[str, list[ResidualPatient]]] = {model: {} for model in manifest.models}
    raters: dict[str, InterRater] = {}
    failed: list[FailedCase] = []
    for number, row in enumerate(manifest.rows, start=1):
        progress.exam_started(row.id, number, len(manifest.rows))
        try:
            compared, agreement = reading.compare(row)
        except GlioscopeError as error:
            progress.exam_failed(row.id, str(error))
            failed.append(FailedCase(row.id, error))
            continue
        for model, patient in compared.items():
            patients[model].setdefault(row.set, []).append(patient)
        if agreement is not None:
            raters[row.id] = agreement
    found = Study(
        name,
        manifest,
        {model: {s: tuple(listed) for s, listed in by.items()} for model, by in patients.items()},
        {
            model: {s: residual_study(p, threshold_ml=threshold_ml, minimum_dice=minimum_dice) for s, p in by.items()}
            for model, by in patients.items()
        },
        raters,
        tuple(failed),
        threshold_ml,
    )
    if len(failed) == len(manifest.rows):
        if len(failed) == 1:
            raise failed[0].error
        raise InvalidImage(f"No patient of '{Path(cohort).name}' could be compared; the first: {failed[0].error}")
    if out is None:
        return found
    return replace(found, files=write_study(Path(out), found))


@dataclass(frozen=True)
class _Reading:
    """How label maps are read and compared."""

    scheme: Scheme
    region: str
    resample: bool
    ignore_affine: bool

    def compare(self, row: StudyRow) -> tuple[dict[str, ResidualPatient], InterRater | None]:
        """A patient as each model sees it, and the agreement of the raters where two or more looked at it."""
        reference, grid = self._mask(row.reference, None)
        to_ml = grid.voxel_volume / 1000
        empty = np.zeros(grid.shape, bool)
        masks = {m: empty if path is None else self._mask(path, grid)[0] for m, path in row.predictions.items()}
        there = round(float(reference.sum()) * to_ml, 9)  # a sum that reaches the cut exactly shall not miss it by rounding
        found = {
            model: ResidualPatient(row.id, there, round(float(m.sum()) * to_ml, 9), _dice(m, reference), row.fold, row.site)
            for model, m in masks.items()
        }
        if len(row.raters) < 2:
            return found, None
        people = {name: self._mask(path, grid)[0] for name, path in row.raters.items()}
        return found, inter_rater(people, reference=reference, compared=masks)

    def _mask(self, path: Path, grid: Grid | None) -> tuple[Mask, Grid]:
        labels = read_labels(path)
        if unknown := {int(v) for v in np.unique(labels.data)} - {0} - self.scheme.labels.keys():
            raise InvalidImage(
                f"'{path.name}' has the value {min(unknown)}, which scheme '{self.scheme.name}' does not define; name its "
                "scheme with --scheme."
            )
        if grid is not None:
            how = {"resample": self.resample, "ignore_affine": self.ignore_affine}
            labels = on_grid(labels, grid, self.scheme.name, path.name, **how)
        return region_mask(labels.data, self.scheme, self.region), labels.grid


def _dice(one: Mask, other: Mask) -> float:
    """Dice of two masks; 1 where both are empty."""
    total = int(one.sum()) + int(other.sum())
    return 2 * int((one & other).sum()) / total if total else 1.0
