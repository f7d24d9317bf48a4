"""The same job for every exam of a cohort: one bad exam does not harm the others."""

from __future__ import annotations

import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from glioscope.core import Exam, GlioscopeError, InputUnreadable, Ledger, ProcessingFailed, Sequence
from glioscope.core.files import write_text
from glioscope.inspection import Inspection
from glioscope.workflows.dataset import RECORDS, open_dataset, records_folder
from glioscope.workflows.outcome import ExamOutcome, Outcomes
from glioscope.workflows.progress import Progress

__all__ = ["for_each_exam", "inspected"]

Work = Callable[[Inspection, Ledger], ExamOutcome]


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
    out: Path,
    work: Work,
    *,
    overrides: Mapping[Sequence, Path] | None = None,
    exam_id: str | None = None,
    progress: Progress | None = None,
) -> Outcomes:
    """Do `work` for every exam below `path`, writing to the dataset `out`.

    Raises:
        InputUnreadable: `path` holds no exam at all.
        OutputUnwritable: `out` cannot be written.
    """
    progress = progress or Progress()
    if not path.exists() and not overrides:
        raise InputUnreadable(f"'{path}' does not exist; give a folder, a zip file or a CSV manifest.")
    open_dataset(out)
    with inspected(path, overrides, exam_id, out / RECORDS) as inspections:
        outcomes = []
        for number, inspection in enumerate(inspections, start=1):
            name = Exam(inspection.id, inspection.session, {}).name
            progress.exam_started(name, number, len(inspections))
            outcome = _one(inspection, name, out, work, progress)
            if outcome.error:
                progress.exam_failed(name, str(outcome.error))
            outcomes.append(outcome)
    return Outcomes(tuple(outcomes))


def _one(inspection: Inspection, name: str, out: Path, work: Work, progress: Progress) -> ExamOutcome:
    started = time.perf_counter()
    folder = out / Exam(inspection.id, inspection.session, {}).folder
    ledger = Ledger(records_folder(out, name), progress.notify)
    try:
        outcome = work(inspection, ledger)
    except GlioscopeError as error:
        return ExamOutcome(name, folder, error=error)
    except MemoryError:
        return ExamOutcome(name, folder, error=ProcessingFailed(f"There was not enough memory to finish '{name}'."))
    except Exception as error:  # a fault of ours: told in a sentence, kept for a bug report, and the other exams go on
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
