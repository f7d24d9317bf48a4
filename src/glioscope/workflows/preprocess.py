"""`glioscope preprocess`: images in the atlas and on the native grid."""

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

__all__ = ["preprocess"]


def preprocess(
    exam: str | PathLike[str],
    out: str | PathLike[str],
    *,
    options: PreprocessOptions | None = None,
    overrides: Mapping[Sequence, Path] | None = None,
    exam_id: str | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Outcomes:
    """The way up to skull-stripped images in the atlas and on the native grid.

    Args:
        exam: Folder, zip, manifest, BraTS case or BIDS dataset; a cohort gives one outcome an exam.
        out: Folder of the BIDS derivatives dataset to write; a repeated call does only what is not done.
        options: Atlas, engines and interpolation of pre-processing.
        overrides: Sequence -> file that is to be taken for it.
        exam_id: Identifier to use instead of the folder's name.
        jobs: Processes at a time; all cores where None.
        progress: Listener.

    Returns:
        One outcome an exam, failed ones included; call `check()` on it to raise what failed.

    Raises:
        InputUnreadable: there is no exam at `exam`.
        OutputUnwritable: `out` cannot be written.
    """
    stages = Stages(Path(out), options=options or PreprocessOptions(), jobs=jobs, progress=progress or Progress())
    return for_each_exam(Path(exam), stages, Stages.preprocess, overrides=overrides, exam_id=exam_id)
