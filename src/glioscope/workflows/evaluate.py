"""`glioscope evaluate`: predictions against references by a named protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from glioscope.core import InvalidImage, ProcessingFailed, SomeExamsFailed, get_scheme
from glioscope.core.workers import in_working_folder
from glioscope.evaluation import CaseScores, Protocol, get_protocol
from glioscope.evaluation.residual import ResidualPatient, ResidualStudy, residual_study
from glioscope.evaluation.statistics import SUMMARY_DEFINITIONS, Summary, finite_or_none, summarise_cases
from glioscope.workflows.case_pairs import CasePair, find_pairs
from glioscope.workflows.progress import Progress
from glioscope.workflows.score_case import FailedCase, Reading, score_case

__all__ = ["Evaluation", "evaluate"]

RESIDUAL_REGIONS = ("RT", "ET", "GTV")


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        protocol: The rules, with the definition of every metric.
        cases: Scores of every case that could be scored, in order.
        failed: The others.
        left_out: Names of predictions that have no reference.
        summary: Region -> metric -> what it amounts to over the cases.
        residual: The patient-wise study, where asked for.
    """

    protocol: Protocol
    cases: tuple[CaseScores, ...]
    failed: tuple[FailedCase, ...] = ()
    left_out: tuple[str, ...] = ()
    summary: Mapping[str, Mapping[str, Summary]] | None = None
    residual: ResidualStudy | None = None

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every metric that some region of some case has, in the order of the definitions."""
        present = {name for case in self.cases for region in case.regions.values() for name in region.values}
        return tuple(name for name in self.protocol.definitions if name in present) + tuple(
            sorted(present - self.protocol.definitions.keys())
        )

    def check(self) -> None:
        """Raise what failed: the case's own error where there is one case, SomeExamsFailed where there are several."""
        if self.failed and len(self.failed) + len(self.cases) == 1:
            raise self.failed[0].error
        if self.failed:
            total = len(self.failed) + len(self.cases)
            names = ", ".join(case.id for case in self.failed)
            raise SomeExamsFailed(f"{len(self.failed)} of {total} cases could not be scored: {names}.")

    def about(self) -> dict[str, Any]:
        """What every output states: the protocol, its regions and definitions, and what is missing."""
        return {
            "protocol": self.protocol.name,
            "scheme": self.protocol.scheme,
            "region_labels": {name: list(labels) for name, labels in self.protocol.regions.items()},
            "definitions": dict(self.protocol.definitions),
            "failed": [{"id": c.id, "error": str(c.error), "exit_code": c.error.exit_code} for c in self.failed],
            "left_out": list(self.left_out),
        }

    def document(self) -> dict[str, Any]:
        """Everything as JSON-ready values, null for a number that is not finite."""
        about = self.about()
        failed, left_out = about.pop("failed"), about.pop("left_out")
        cases = []
        for case in self.cases:
            regions = {
                name: {metric: finite_or_none(value) for metric, value in region.values.items()}
                for name, region in case.regions.items()
            }
            cases.append({**case.document(), "regions": regions})
        document = about | {
            "cases": cases,
            "summary": {r: {m: s.document() for m, s in by.items()} for r, by in (self.summary or {}).items()},
            "summary_definitions": SUMMARY_DEFINITIONS,
            "failed": failed,
            "left_out": left_out,
        }
        return document | ({"residual": self.residual.document()} if self.residual else {})


def _scored(pairs: Sequence[CasePair], reading: Reading, jobs: int | None) -> Iterator[CaseScores | FailedCase]:
    """Outcomes in the order of `pairs`, as they come."""
    import joblib

    count = min(jobs or joblib.cpu_count(), len(pairs))
    if count == 1:
        yield from (score_case(pair, reading) for pair in pairs)
        return
    # Workers get paths, never arrays, so nothing is mapped to files.
    pool = joblib.Parallel(n_jobs=count, backend="loky", return_as="generator", max_nbytes=None)
    try:
        yield from pool(joblib.delayed(in_working_folder(score_case))(pair, reading) for pair in pairs)
    except BrokenExecutor as error:
        raise ProcessingFailed(
            f"A process that scored cases was stopped by the system, probably for lack of memory; use --jobs {count // 2 or 1}."
        ) from error


def _study_region(protocol: Protocol, region: str | None) -> str:
    """The region of the patient-wise study; raises InvalidImage where the protocol cannot serve it."""
    name = region or next((r for r in RESIDUAL_REGIONS if r in protocol.regions), "")
    if name not in protocol.regions:
        raise InvalidImage(
            f"Protocol '{protocol.name}' has no region '{name}' for the residual study; it has {', '.join(protocol.regions)}."
        )
    if "predicted_volume_mm3" not in protocol.definitions:
        raise InvalidImage(
            f"Protocol '{protocol.name}' does not give the predicted volumes that the residual study needs; use "
            f"'{protocol.name}-corrected' or 'general'."
        )
    return name


def _residual(cases: Sequence[CaseScores], region: str, threshold_ml: float) -> ResidualStudy:
    """The patient-wise study of one region; `fold` and `site` come from the table that named the cases."""
    patients = []
    for case in cases:
        values, facts = case.regions[region].values, case.facts
        there, found = values["reference_volume_mm3"] / 1000, values["predicted_volume_mm3"] / 1000
        patients.append(ResidualPatient(case.id, there, found, values["dice"], facts.get("fold"), facts.get("site")))
    return residual_study(patients, threshold_ml=threshold_ml)


def evaluate(
    prediction: str | PathLike[str],
    reference: str | PathLike[str] | None = None,
    *,
    protocol: str,
    scheme: str | None = None,
    prediction_scheme: str | None = None,
    reference_scheme: str | None = None,
    allow_missing: bool = False,
    prediction_files: str | None = None,
    reference_files: str | None = None,
    resample: bool = False,
    ignore_affine: bool = False,
    study: str | None = None,
    region: str | None = None,
    threshold_ml: float = 0.175,
    seed: int = 0,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Score segmentations against their references; one bad case does not harm the others.

    Args:
        prediction: A label map, a folder of them, or (without `reference`) a CSV table with id, prediction, reference and
            optionally `fold`, `site` and other columns, which are kept.
        reference: A label map or a folder; folders are matched by case name.
        protocol: Name of the rules, a key of `glioscope.evaluation.PROTOCOLS`.
        scheme: Label scheme of protocol `general`.
        prediction_scheme: Scheme of the predictions, where it is not the protocol's.
        reference_scheme: Scheme of the references, where it is not the protocol's.
        allow_missing: Score a missing prediction as empty, leave out predictions without a reference; otherwise refuse.
        prediction_files: Pattern of file names to take from a folder.
        reference_files: The same for references.
        resample: Bring predictions to the reference's grid, by region; otherwise another grid fails the case.
        ignore_affine: Compare voxel by voxel whatever the headers say of position.
        study: `residual` for the patient-wise study of residual tumour.
        region: Region of the study; RT, ET or GTV by default, the first that the protocol has.
        threshold_ml: Cut-off of the study.
        seed: Of the bootstrap.
        jobs: Processes at a time; all cores where None.
        progress: Listener; told of each case when it is done.

    Returns:
        Everything; call `check()` on it to raise what failed.

    Raises:
        InputUnreadable: files do not exist or do not match.
        AmbiguousExam: a folder has several label maps of a case.
        InvalidImage: no such protocol, scheme, study or region.
    """
    rules = get_protocol(protocol, scheme)
    for name in (prediction_scheme, reference_scheme):
        if name is not None:
            get_scheme(name)
    if study not in (None, "residual"):
        raise InvalidImage(f"There is no study '{study}'; known is residual.")
    studied = _study_region(rules, region) if study else ""
    progress = progress or Progress()
    pairs = find_pairs(
        Path(prediction),
        Path(reference) if reference is not None else None,
        allow_missing=allow_missing,
        prediction_files=prediction_files,
        reference_files=reference_files,
    )
    for path in pairs.left_out:
        progress.warned(f"'{path.name}' has no reference and is left out.")
    reading = Reading(protocol, scheme, prediction_scheme, reference_scheme, resample, ignore_affine)
    cases: list[CaseScores] = []
    failed: list[FailedCase] = []
    for number, outcome in enumerate(_scored(pairs.cases, reading, jobs), start=1):
        progress.exam_started(outcome.id, number, len(pairs.cases))
        if isinstance(outcome, FailedCase):
            progress.exam_failed(outcome.id, str(outcome.error))
            failed.append(outcome)
        else:
            cases.append(outcome)
            if values := outcome.facts.get("ignored_labels"):
                told = ", ".join(map(str, values))
                older = " If a map is in the numbering of brats-2021, say so with --scheme-pred or --scheme-ref."
                progress.warned(
                    f"'{outcome.id}' has the label {told}, which is in no region of '{rules.name}' and is not scored."
                    + older * (rules.scheme == "brats-2023" and 4 in values)
                )
    return Evaluation(
        rules,
        tuple(cases),
        tuple(failed),
        tuple(path.name for path in pairs.left_out),
        summarise_cases(cases, seed=seed),
        _residual(cases, studied, threshold_ml) if studied and cases else None,
    )
