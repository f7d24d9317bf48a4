"""`glioscope report`: the reports of a results folder, made again from what lies there."""

from __future__ import annotations

import time
from os import PathLike
from pathlib import Path

from glioscope.core import GlioscopeError
from glioscope.workflows.outcome import ExamOutcome, Outcomes
from glioscope.workflows.progress import Progress

__all__ = ["report"]


def report(out: str | PathLike[str], *, progress: Progress | None = None) -> Outcomes:
    """Write report.html and report.pdf of every exam below `out` again, and the table of them all.

    Args:
        out: The output folder of a run; its inputs are not needed any more.
        progress: Listener.

    Raises:
        InputUnreadable: `out` holds no results.
    """
    from glioscope.workflows.report_exam import rebuild_report, reported_folders

    progress = progress or Progress()
    folders = reported_folders(Path(out))
    outcomes = []
    for number, folder in enumerate(folders, start=1):
        name = "_".join(folder.relative_to(out).parts)
        progress.exam_started(name, number, len(folders))
        started = time.perf_counter()
        try:
            reported = rebuild_report(Path(out), folder)
        except GlioscopeError as error:
            progress.exam_failed(name, str(error))
            outcomes.append(ExamOutcome(name, folder, error=error))
            continue
        seconds = time.perf_counter() - started
        outcomes.append(ExamOutcome(name, folder, reported.files, wall_seconds=seconds, results=reported.results))
    write_table(Path(out))
    return Outcomes(tuple(outcomes))


def write_table(out: Path) -> Path:
    """Write `measurements.csv`: one row for every exam below `out` that is measured and judged.

    One that is not judged yet is being worked on by another process, which will write its row.
    """
    from glioscope.reporting import write_cohort_table
    from glioscope.workflows.report_exam import reported_folders, row_of

    table = out / "measurements.csv"
    done = [folder for folder in reported_folders(out) if (folder / "report" / "quality.json").is_file()]
    write_cohort_table(table, [row_of(folder) for folder in done])
    return table
