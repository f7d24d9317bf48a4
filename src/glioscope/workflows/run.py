"""`glioscope run`: from a raw exam to a report."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path

from glioscope.core import Sequence
from glioscope.workflows.cohort import for_each_exam
from glioscope.workflows.export_dicom import check_highdicom, with_dicom
from glioscope.workflows.outcome import Outcomes
from glioscope.workflows.preprocess_exam import PreprocessOptions
from glioscope.workflows.progress import Progress
from glioscope.workflows.report import write_table
from glioscope.workflows.stages import Stages

__all__ = ["run"]


def run(
    exam: str | PathLike[str],
    out: str | PathLike[str],
    *,
    segmenter: str = "auto",
    scheme: str = "auto",
    postprocess: str | PathLike[str] | None = None,
    effort: str = "standard",
    earlier: str | PathLike[str] | None = None,
    options: PreprocessOptions | None = None,
    overrides: Mapping[Sequence, Path] | None = None,
    exam_id: str | None = None,
    jobs: int | None = None,
    dicom: bool = False,
    progress: Progress | None = None,
) -> Outcomes:
    """The whole way: inspect, convert, pre-process, segment, return to native space, measure, report.

    Args:
        exam: Folder, zip, manifest, BraTS case or BIDS dataset; a cohort gives one outcome an exam.
        out: Folder of the BIDS derivatives dataset to write; a repeated call does only what is not done.
        segmenter: A name that `glioscope segmenters` lists, or `auto`: the best that works with the exam's sequences.
        scheme: Label scheme of the results; `auto` is brats-2023 where that has the segmenter's labels, else its own.
        postprocess: A file that `glioscope tune` wrote or that was written by hand, or the word `published` for the published
            thresholds and dust removal; the segmenter's own label map is taken where None.
        effort: `fast`, `standard` or `best`, for a segmenter that knows it (a bundle of networks).
        earlier: The patient's exam before surgery (anything that `exam` can be, if it is one), for a segmenter that looks at it
            too; a cohort has it in columns of its manifest.
        options: Atlas, engines and interpolation of pre-processing.
        overrides: Sequence -> file that is to be taken for it.
        exam_id: Identifier to use instead of the folder's name.
        jobs: Processes at a time; all cores where None.
        dicom: Also write the results as DICOM objects, as `glioscope.export_dicom` does; `exam` must be DICOM; one that is
            not fails before any work.
        progress: Listener.

    Returns:
        One outcome an exam, failed ones included; call `check()` on it to raise what failed.

    Raises:
        InputUnreadable: there is no exam at `exam` or `earlier`, or `postprocess` is no such file.
        AmbiguousExam: `earlier` for several exams.
        InvalidImage: `earlier` for a segmenter that looks at no earlier exam.
        OutputUnwritable: `out` cannot be written.
        EngineMissing: highdicom is not installed, and `dicom` was asked for.
    """
    if dicom:
        check_highdicom()
    before = Path(earlier) if earlier is not None else None
    stages = Stages(
        Path(out),
        segmenter,
        scheme,
        options or PreprocessOptions(),
        jobs,
        progress or Progress(),
        postprocess,
        effort,
        before,
        dicom,
    )
    outcomes = for_each_exam(Path(exam), stages, Stages.run, overrides=overrides, exam_id=exam_id)
    if len(outcomes.exams) - len(outcomes.failed) > 1:  # exams that ended at once may have written it over each other
        write_table(Path(out))
    return with_dicom(outcomes, Path(out), Path(exam), progress) if dicom else outcomes
