"""`glioscope quality calibrate` and `assess`: alarms where an ensemble's members disagree more than usual."""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

import glioscope
from glioscope.core import GlioscopeError, InputUnreadable, SomeExamsFailed
from glioscope.core.counting import are, counted
from glioscope.core.files import check_file, write_json, write_text
from glioscope.core.workers import in_working_folder
from glioscope.quality import (
    AlarmAssessment,
    AlarmCalibration,
    AlphaRow,
    ChooseBy,
    alpha_table,
    calibrate_alarms,
    check_alphas,
    choose_alpha,
    raise_alarms,
    work_list,
    work_list_csv,
)
from glioscope.workflows.assessment import add_to_assessment, check_assessable, judged_files
from glioscope.workflows.progress import Progress
from glioscope.workflows.rater_cases import Layout, RaterCase, rater_cases
from glioscope.workflows.rater_similarity import Compared, Comparison, check_comparison, compare_raters
from glioscope.workflows.result_document import read_result

__all__ = ["Assessed", "Calibrated", "assess_quality", "calibrate_quality", "read_calibration"]


ENOUGH = 20
"""Exams from which thresholds are steady enough to be used; the paper had 46 and 68."""


@dataclass(frozen=True)
class Calibrated:
    """A calibration, the table its alpha was chosen from, and the file it was written to."""

    calibration: AlarmCalibration
    table: tuple[AlphaRow, ...]
    file: Path
    failed: Mapping[str, str]

    @property
    def remarks(self) -> tuple[str, ...]:
        """What makes the calibration weak, in sentences."""
        exams, names = len(self.calibration.values), [key.rater for key in self.calibration.keys]
        found = np.isfinite(self.calibration.values)
        seen = {rater: int(found[:, [name == rater for name in names]].any(axis=1).sum()) for rater in self.calibration.raters}
        few = f"{counted(exams, 'exam')} {are(exams)} few: a median and its deviation want {ENOUGH} or more."
        rare = ", ".join(f"{rater} ({number})" for rater, number in seen.items() if number < exams)
        lacking = f"Raters without a mask in some of the {exams} exams, which counts as alarm: {rare}."
        left = f"Left out, since they could not be compared: {', '.join(self.failed)}."
        told = ((few, exams < ENOUGH), (lacking, rare), (left, self.failed))
        return tuple(sentence for sentence, holds in told if holds)

    def document(self) -> dict[str, Any]:
        """JSON-ready values: the stored document, the file and what was left out."""
        return {
            "file": str(self.file),
            "failed": dict(self.failed),
            "remarks": list(self.remarks),
            **read_result(self.file, remedy=""),
        }


@dataclass(frozen=True)
class Assessed:
    """Exams with their alarms, the most suspicious first, and those that could not be assessed."""

    exams: tuple[AlarmAssessment, ...]
    failed: Mapping[str, str]

    def document(self) -> dict[str, Any]:
        """JSON-ready values: the ranked work list and every exam in full."""
        ranked = [exam.document() for exam in self.exams]
        return {"work_list": work_list(self.exams), "exams": ranked, "failed": dict(self.failed)}


def calibrate_quality(
    cohort: str | PathLike[str],
    out: str | PathLike[str],
    *,
    alpha: float = 0.1,
    by: ChooseBy | None = None,
    alphas: Mapping[str, float] | None = None,
    quality: str | PathLike[str] | None = None,
    how: Comparison | None = None,
    layout: Layout = "case/rater",
    jobs: int = 1,
    progress: Progress | None = None,
) -> Calibrated:
    """Learn from a cohort which discord is usual, and store it in one JSON file.

    Args:
        cohort: Results dataset, folder or manifest of exams with several raters, see `rater_cases`.
        out: File to write.
        alpha: Median absolute deviations below the median at which alarms begin; not used with `by`.
        by: Choose alpha by the `entropy` of alarm counts, by `correlation` with quality, or by `both`.
        alphas: Other alphas for single raters, regions or metrics.
        quality: CSV with the columns case, quality (the higher the better); else the Dice of the fusion with each exam's
            reference is taken where there is one.
        how: Fusion, metrics, scheme, regions.
        layout: How a folder is arranged.
        jobs: Processes at a time.
        progress: Listener.

    Raises:
        InputUnreadable: no such cohort, too small a cohort, an alpha that is no finite number or cannot be chosen as wanted.
        InvalidImage: unknown names in `how`.
        OutputUnwritable: `out` cannot be written.
    """
    how = how or Comparison()
    check_alphas(alpha, alphas or {})
    check_file(Path(out))
    listed = rater_cases(Path(cohort), layout)
    check_comparison(listed, how)
    compared, failed = _compare(listed, how, jobs, progress or Progress())
    if failed and len(compared) < 2:
        raise SomeExamsFailed(
            f"A calibration needs several exams, and one is left; the first that failed: {next(iter(failed.values()))}"
        )
    settings = how.document()
    learnt = calibrate_alarms({c.case: c.table for c in compared}, alpha, alphas=alphas, settings=settings)
    known = _qualities(Path(quality)) if quality else {c.case: c.quality for c in compared}
    qualities = [known.get(case) for case in sorted(c.case for c in compared)]
    numbers = [math.nan if value is None else value for value in qualities]
    table = alpha_table(learnt, numbers if any(map(math.isfinite, numbers)) else None)
    if by:
        learnt = replace(learnt, alpha=choose_alpha(table, by).alpha, chosen_by=by)
    document = {**learnt.document(), "glioscope": glioscope.__version__, "alpha_table": [row.document() for row in table]}
    write_json(Path(out), document)
    return Calibrated(learnt, tuple(table), Path(out), failed)


def assess_quality(
    cases: Iterable[RaterCase] | str | PathLike[str],
    calibration: str | PathLike[str] | AlarmCalibration,
    *,
    alpha: float | None = None,
    layout: Layout = "case/rater",
    csv_file: str | PathLike[str] | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Assessed:
    """Raise alarms on new exams and rank them; exams of a results dataset keep theirs for the report.

    Args:
        cases: Exams, or what `rater_cases` reads them from.
        calibration: File that `calibrate_quality` wrote.
        alpha: Another alpha for this time, such as a larger one when there are too many alarms to follow.
        layout: How a folder is arranged.
        csv_file: Where to write the work list.
        jobs: Processes at a time.
        progress: Listener.

    Raises:
        InputUnreadable: no exams, or no calibration.
        GlioscopeError: the only exam cannot be assessed.
        SomeExamsFailed: none of several exams can be compared.
        OutputUnwritable: something cannot be written.
    """
    found = read_calibration(Path(calibration)) if isinstance(calibration, str | PathLike) else calibration
    found = found.with_alpha(alpha) if alpha is not None else found
    listed = rater_cases(Path(cases), layout) if isinstance(cases, str | PathLike) else list(cases)
    cases = [case if case.chosen or not case.folder else _ensemble(case, found.raters) for case in listed]
    ignored = {case.name: sorted(case.raters.keys() - kept.raters) for case, kept in zip(listed, cases, strict=True)}
    progress = progress or Progress()
    if csv_file:
        check_file(Path(csv_file))
    judged = {case.name: _judged(case) for case in cases}
    compared, failed = _compare(cases, Comparison.of(found.settings), jobs, progress)
    exams = []
    for one in compared:
        try:
            exams.append(replace(raise_alarms(one.case, one.table, found), ignored=tuple(ignored[one.case])))
        except GlioscopeError as error:
            if len(cases) == 1:
                raise
            failed[one.case] = str(error)
            progress.exam_failed(one.case, str(error))
    exams.sort(key=lambda exam: (-exam.risk, exam.case))
    folders = {case.name: case.folder for case in listed}
    for exam in exams:
        if folder := folders[exam.case]:
            add_to_assessment(folder, "alarms", exam.document(), judged[exam.case])
    if csv_file:
        write_text(Path(csv_file), work_list_csv(work_list(exams)))
    return Assessed(tuple(exams), failed)


def _judged(case: RaterCase) -> dict[str, str]:
    """Checksums of the masks, where the exam keeps its alarms; and that it can, before the work."""
    if case.folder is None:
        return {}
    check_assessable(case.folder)
    return judged_files(case.folder, case.raters.values())


def _ensemble(case: RaterCase, raters: Collection[str]) -> RaterCase:
    """The exam with the raters of the calibration alone, unless it has none of them; a results dataset may hold others."""
    known = {name: path for name, path in case.raters.items() if name in raters}
    return replace(case, raters=known) if known else case


def read_calibration(path: Path) -> AlarmCalibration:
    """The calibration in `path`; raises InputUnreadable where there is none."""
    return AlarmCalibration.from_document(read_result(path, remedy=""), path.name)


def _qualities(path: Path) -> dict[str, float | None]:
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
        return {row["case"]: float(row["quality"]) if row["quality"].strip() else None for row in rows}
    except (OSError, ValueError, KeyError, AttributeError, csv.Error) as error:
        raise InputUnreadable(f"'{path}' is not a table of qualities; its columns have to be case, quality.") from error


def _attempt(case: RaterCase, how: Comparison) -> Compared | GlioscopeError:
    try:
        return compare_raters(case, how)
    except GlioscopeError as error:
        return error


def _compare(cases: list[RaterCase], how: Comparison, jobs: int, progress: Progress) -> tuple[list[Compared], dict[str, str]]:
    """Every exam's similarities, and why some have none; a single exam that has none raises its own error."""
    from joblib import Parallel, delayed

    work = delayed(in_working_folder(_attempt))
    results = Parallel(n_jobs=min(jobs, len(cases)) or 1, return_as="generator")(work(case, how) for case in cases)
    compared: list[Compared] = []
    failed: dict[str, str] = {}
    for number, (case, result) in enumerate(zip(cases, results, strict=True), start=1):
        if len(cases) > 1:
            progress.exam_started(case.name, number, len(cases))
        if isinstance(result, Compared):
            compared.append(result)
            continue
        if len(cases) == 1:
            raise result
        progress.exam_failed(case.name, str(result))
        failed[case.name] = str(result)
    if failed and not compared:
        raise SomeExamsFailed(f"No exam could be compared; the first: {next(iter(failed.values()))}")
    return compared, failed
