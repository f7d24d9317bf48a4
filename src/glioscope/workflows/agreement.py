"""`glioscope agreement`: how far raters agree with each other, with their majority, and with a reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from glioscope.core import (
    GlioscopeError,
    InputUnreadable,
    InvalidImage,
    SomeExamsFailed,
    Volume,
    get_scheme,
    read_labels,
    read_volume,
)
from glioscope.evaluation.inter_rater import INTER_RATER_DEFINITIONS, InterRater, inter_rater
from glioscope.evaluation.qubiq import QubiqScore, qubiq_score
from glioscope.evaluation.statistics import SUMMARY_DEFINITIONS, summarise
from glioscope.workflows.case_pairs import read_table, stem
from glioscope.workflows.score_case import FailedCase, on_grid

__all__ = ["Agreement", "CaseAgreement", "agreement"]

ANY = "tumour"
QUBIQ_DEFINITION = (
    "Agreement map of the prediction and of the annotators (fraction who marked a voxel), both cut at 0.0, 0.1 … 0.9 (a voxel "
    "is in from the threshold on), compared by Dice, averaged; an empty prediction scores 0.1."
)


@dataclass(frozen=True)
class CaseAgreement:
    """One case: region -> agreement of the raters, and where a predicted agreement map was given, region -> its score."""

    id: str
    regions: Mapping[str, InterRater]
    qubiq: Mapping[str, QubiqScore] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        regions = {name: result.document() for name, result in self.regions.items()}
        for name, score in self.qubiq.items():
            regions[name]["qubiq"] = score.document()
        return {"id": self.id, "regions": regions}


@dataclass(frozen=True)
class Agreement:
    """All cases.

    Attributes:
        scheme: Label scheme; None where any label is tumour.
        cases: Cases that could be compared.
        failed: The others.
    """

    scheme: str | None
    cases: tuple[CaseAgreement, ...]
    failed: tuple[FailedCase, ...] = ()

    def check(self) -> None:
        """Raise what failed: the case's own error where there is one case, SomeExamsFailed where there are several."""
        if self.failed and len(self.failed) + len(self.cases) == 1:
            raise self.failed[0].error
        if self.failed:
            names = ", ".join(case.id for case in self.failed)
            raise SomeExamsFailed(f"{len(self.failed)} of {len(self.failed) + len(self.cases)} cases failed: {names}.")

    def document(self) -> dict[str, Any]:
        """JSON-ready values, with the definitions; `summary` says per rater what the cases amount to."""
        summary: dict[str, dict[str, dict[str, Any]]] = {}
        for region in dict.fromkeys(name for case in self.cases for name in case.regions):
            for kind in ("with_consensus", "with_reference"):
                columns: dict[str, list[float]] = {}
                for case in self.cases:
                    for rater, value in getattr(case.regions[region], kind).items():
                        columns.setdefault(rater, []).append(value)
                if columns:
                    told = {rater: summarise(values).document() for rater, values in columns.items()}
                    summary.setdefault(region, {})[kind] = told
        scored = any(case.qubiq for case in self.cases)
        return {
            "scheme": self.scheme,
            "definitions": INTER_RATER_DEFINITIONS | ({"qubiq": QUBIQ_DEFINITION} if scored else {}),
            "cases": [case.document() for case in self.cases],
            "summary": summary,
            "summary_definitions": SUMMARY_DEFINITIONS,
            "failed": [{"id": c.id, "error": str(c.error), "exit_code": c.error.exit_code} for c in self.failed],
        }


def _regions(scheme: str | None) -> Mapping[str, tuple[int, ...]]:
    return {ANY: tuple(range(1, 256))} if scheme is None else get_scheme(scheme).regions


def _labels(path: Path, like: Volume | None, scheme: str | None, resample: bool, ignore_affine: bool) -> Volume:
    labels = read_labels(path)
    if scheme is None:
        labels = labels.with_data((labels.data > 0).astype(np.uint8))
    elif unknown := {int(v) for v in np.flatnonzero(np.bincount(labels.data.ravel()))} - {0} - get_scheme(scheme).labels.keys():
        raise InvalidImage(f"'{path.name}' has the value {min(unknown)}, which scheme '{scheme}' does not define.")
    if like is None:
        return labels
    on = scheme or "residual"
    return on_grid(labels, like.grid, on, path.name, resample=resample, ignore_affine=ignore_affine)


def _probability(path: Path, like: Volume, ignore_affine: bool) -> np.ndarray[Any, Any]:
    try:
        found = read_labels(path)  # a mask, or an empty prediction, is an agreement map too
    except InvalidImage:
        found = read_volume(path)
    if found.data.max() > 1 or found.data.min() < 0:
        raise InvalidImage(f"'{path.name}' is not an agreement map: it has values outside 0 to 1.")
    return on_grid(found, like.grid, "residual", path.name, resample=False, ignore_affine=ignore_affine).data


def _case(
    name: str,
    raters: Mapping[str, Path],
    reference: Path | None,
    compared: Sequence[str],
    predicted: Mapping[str, Path],
    scheme: str | None,
    resample: bool,
    ignore_affine: bool,
) -> CaseAgreement:
    like: Volume | None = None
    maps: dict[str, Volume] = {}
    for rater, path in raters.items():
        maps[rater] = _labels(path, like, scheme, resample, ignore_affine)
        like = like or maps[rater]
    if like is None or len(maps) - len(compared) < 2:
        raise InvalidImage(f"'{name}' has fewer than two annotators; agreement needs at least two.")
    standard = _labels(reference, like, scheme, resample, ignore_affine) if reference else None
    results, scores = {}, {}
    for region, values in _regions(scheme).items():
        masks = {rater: np.isin(labels.data, values) for rater, labels in maps.items()}
        annotators = {rater: mask for rater, mask in masks.items() if rater not in compared}
        results[region] = inter_rater(
            annotators,
            reference=np.isin(standard.data, values) if standard else None,
            compared={rater: masks[rater] for rater in compared},
        )
        if region in predicted:
            votes = np.sum(list(annotators.values()), axis=0, dtype=np.uint16) / len(annotators)
            scores[region] = qubiq_score(_probability(predicted[region], like, ignore_affine), np.asarray(votes))
    return CaseAgreement(name, results, scores)


def agreement(
    masks: Sequence[str | PathLike[str]],
    *,
    reference: str | PathLike[str] | None = None,
    compared: Sequence[str | PathLike[str]] = (),
    predicted: Mapping[str, str | PathLike[str]] | str | PathLike[str] | None = None,
    scheme: str | None = None,
    resample: bool = False,
    ignore_affine: bool = False,
) -> Agreement:
    """Jaccard of raters with the majority of all annotators, with each other, and with a reference.

    Args:
        masks: Label maps of one exam, a rater each (named after its file); or one CSV table with the column `id`, a column a
            rater, and optionally `reference`: one exam a row.
        reference: A further label map to compare everyone with (files only; a table has its own column).
        compared: Label maps (with a table: names of columns) that are compared but do not vote, such as models.
        predicted: Agreement map in [0, 1], or region -> map, to score by QUBIQ's thresholds (files only).
        scheme: Label scheme, whose regions are compared one by one; without it any label is tumour.
        resample: Bring maps on another grid to the first rater's.
        ignore_affine: Compare voxel by voxel whatever the headers say of position.

    Raises:
        InputUnreadable: the table is not usable, or two files have one name.
        InvalidImage: no such scheme or region.
    """
    regions = _regions(scheme)
    maps: dict[str, Path] = {}
    if predicted is not None and not isinstance(predicted, Mapping):
        if len(regions) > 1:
            raise InvalidImage(f"Say which region the agreement map is of: REGION=FILE, with one of {', '.join(regions)}.")
        predicted = {next(iter(regions)): predicted}
    for region, path in (predicted or {}).items():
        if region not in regions:
            raise InvalidImage(f"There is no region '{region}'; there are {', '.join(regions)}.")
        maps[region] = Path(path)
    paths = [Path(mask) for mask in masks]
    if len(paths) == 1 and paths[0].suffix.lower() in (".csv", ".tsv"):
        if reference is not None or predicted is not None:
            raise InputUnreadable(
                "With a table of raters, the reference is its column 'reference', and no agreement map is scored."
            )
        return _from_table(paths[0], [str(name).lower() for name in compared], scheme, resample, ignore_affine)
    raters: dict[str, Path] = {}
    others = [Path(path) for path in compared]
    for path in [*paths, *others]:
        name = stem(path) if stem(path) not in raters else f"{path.parent.name}/{stem(path)}"
        if name in raters or path in raters.values():
            raise InputUnreadable(f"The rater '{name}' is given twice; name each file once, with a name of its own.")
        raters[name] = path
    votes_not = list(raters)[len(paths) :]
    case = _case("exam", raters, Path(reference) if reference else None, votes_not, maps, scheme, resample, ignore_affine)
    return Agreement(scheme, (case,))


def _from_table(path: Path, compared: Sequence[str], scheme: str | None, resample: bool, ignore_affine: bool) -> Agreement:
    columns, rows = read_table(path)
    if unknown := [name for name in compared if name not in columns]:
        raise InputUnreadable(f"'{path.name}' has no column '{unknown[0]}' to compare; its columns are {', '.join(columns)}.")
    cases, failed = [], []
    for row in rows:
        raters = {name: path.parent / row[name] for name in columns if name not in ("id", "reference") and row.get(name)}
        reference = path.parent / row["reference"] if row.get("reference") else None
        present = [name for name in compared if name in raters]
        try:
            cases.append(_case(row["id"], raters, reference, present, {}, scheme, resample, ignore_affine))
        except GlioscopeError as error:
            failed.append(FailedCase(row["id"], error))
    return Agreement(scheme, tuple(cases), tuple(failed))
