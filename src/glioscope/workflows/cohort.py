"""The same job for every exam of a cohort: one bad exam does not harm the others."""

from __future__ import annotations

import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from glioscope.core import (
    AmbiguousExam,
    Exam,
    GlioscopeError,
    InputUnreadable,
    Ledger,
    OutputUnwritable,
    ProcessingFailed,
    Sequence,
)
from glioscope.core.files import of_the_system, real, write_text
from glioscope.inspection import Inspection
from glioscope.workflows.dataset import RECORDS, open_dataset, records_folder
from glioscope.workflows.outcome import ExamOutcome, Outcomes
from glioscope.workflows.processes import at_a_time, in_processes
from glioscope.workflows.progress import Recorded
from glioscope.workflows.stages import Stages

__all__ = ["for_each_exam", "inspected"]

Work = Callable[[Stages, Inspection, Ledger], ExamOutcome]

MEMORY_GIB = 4.0
"""What an exam may need: of a computer's memory, so much is set aside for each that is worked on at the same time."""


@contextmanager
def inspected(
    path: Path, overrides: Mapping[Sequence, Path] | None, exam_id: str | None, workdir: Path | None = None
) -> Iterator[list[Inspection]]:
    """The exams below `path`; what had to be unpacked for that is removed afterwards."""
    from glioscope.inspection import inspect_path

    if workdir is not None:
        workdir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="unpacked-", dir=workdir) as unpacked:
        yield inspect_path(path, workdir=Path(unpacked), overrides=overrides, exam_id=exam_id)


def for_each_exam(
    path: Path,
    stages: Stages,
    work: Work,
    *,
    overrides: Mapping[Sequence, Path] | None = None,
    exam_id: str | None = None,
) -> Outcomes:
    """Do `work`, a method of `Stages`, for every exam below `path`.

    A single exam has its steps done at the same time; of a cohort, as many exams as `stages.jobs` and the memory allow, each in
    a process of its own, and each exam's account is given when it is done. Neither changes a result.

    Raises:
        InputUnreadable: `path` holds no exam at all.
        AmbiguousExam: one earlier exam is given for several exams.
        OutputUnwritable: the output dataset cannot be written.
        ProcessingFailed: the system ended a process; what is done stays.
    """
    out = stages.out
    if not path.exists() and not overrides:
        raise InputUnreadable(f"'{path}' does not exist; give a folder, a zip file or a CSV manifest.")
    if real(path) == real(out):
        raise OutputUnwritable(
            f"'{out}' is the exam itself, whose results would be read as images next time; name another folder."
        )
    open_dataset(out)
    with inspected(path, overrides, exam_id, out / RECORDS) as inspections:
        if stages.earlier is not None and len(inspections) > 1:
            raise AmbiguousExam(
                f"'{path.name}' holds {len(inspections)} exams, so --earlier cannot be meant for all; name the earlier exam of "
                "each in a manifest's column 'earlier'."
            )
        together = at_a_time(stages.processes, len(inspections), MEMORY_GIB)
        numbered = [(inspection, number, len(inspections)) for number, inspection in enumerate(inspections, start=1)]
        if together > 1:
            return Outcomes(tuple(_in_processes(numbered, stages, work, together)))
        return Outcomes(tuple(_one(*exam, stages, work) for exam in numbered))


def _in_processes(
    numbered: list[tuple[Inspection, int, int]], stages: Stages, work: Work, together: int
) -> Iterator[ExamOutcome]:
    silently = partial(_silently, stages=stages.alone(), work=work)
    for outcome, told in in_processes(silently, numbered, together, max(1, stages.processes // together)):
        told.replay(stages.progress)
        yield outcome


def _silently(exam: tuple[Inspection, int, int], stages: Stages, work: Work) -> tuple[ExamOutcome, Recorded]:
    told = Recorded()
    return _one(*exam, replace(stages, progress=told), work), told


def _one(inspection: Inspection, number: int, total: int, stages: Stages, work: Work) -> ExamOutcome:
    name = Exam(inspection.id, inspection.session, {}).name
    stages.progress.exam_started(name, number, total)
    outcome = _done(inspection, name, stages, work)
    if outcome.error:
        stages.progress.exam_failed(name, str(outcome.error))
    return outcome


def _refuse_another(inspection: Inspection, folder: Path, ledger: Ledger) -> None:
    """Raise OutputUnwritable where `folder` has the results of an exam that shares no file with this one."""
    files = (file for candidate in inspection.chosen.values() for file in candidate.files)
    if inspection.problem is None and inspection.chosen and folder.is_dir() and not ledger.has_read(files):
        raise OutputUnwritable(
            f"'{folder}' holds the results of another exam; give this one another name with --id, or another output folder, or "
            "remove that one."
        )


def _done(inspection: Inspection, name: str, stages: Stages, work: Work) -> ExamOutcome:
    started = time.perf_counter()
    out = stages.out
    folder = out / Exam(inspection.id, inspection.session, {}).folder
    ledger = Ledger(records_folder(out, name), stages.progress.notify)
    try:
        _refuse_another(inspection, folder, ledger)
        outcome = work(stages, inspection, ledger)
    except GlioscopeError as error:
        return ExamOutcome(name, folder, error=error)
    except MemoryError:
        return ExamOutcome(name, folder, error=ProcessingFailed(f"There was not enough memory to finish '{name}'."))
    except Exception as error:  # a fault of ours is told in a sentence, kept for a bug report, and the other exams go on
        if refused := of_the_system(error):
            return ExamOutcome(name, folder, error=refused)
        log = records_folder(out, name) / "fault.txt"
        write_text(log, traceback.format_exc())
        kind = type(error).__name__
        sentence = f"A fault in Glioscope stopped '{name}' ({kind}); please report it with the file '{log}'."
        return ExamOutcome(name, folder, error=GlioscopeError(sentence))
    records = ledger.records.values()
    return ExamOutcome(
        name,
        folder,
        outcome.files,
        {record.name: record.seconds for record in records},
        time.perf_counter() - started,
        all(record.reused for record in records),
        outcome.results,
    )
