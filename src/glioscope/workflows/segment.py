"""`glioscope segment`: label maps in the patient's own space."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path

from glioscope.core import Sequence
from glioscope.workflows.cohort import for_each_exam
from glioscope.workflows.outcome import Outcomes
from glioscope.workflows.preprocess_exam import PreprocessOptions
from glioscope.workflows.progress import Progress
from glioscope.workflows.stages import Stages

__all__ = ["segment"]


def segment(
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
    progress: Progress | None = None,
) -> Outcomes:
    """The way up to label maps in the patient's own space, without a report.

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
        progress: Listener.

    Returns:
        One outcome an exam, failed ones included; call `check()` on it to raise what failed.

    Raises:
        InputUnreadable: there is no exam at `exam` or `earlier`, or `postprocess` is no such file.
        AmbiguousExam: `earlier` for several exams.
        InvalidImage: `earlier` for a segmenter that looks at no earlier exam.
        OutputUnwritable: `out` cannot be written.
    """
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
    )
    return for_each_exam(Path(exam), stages, Stages.segment, overrides=overrides, exam_id=exam_id)
