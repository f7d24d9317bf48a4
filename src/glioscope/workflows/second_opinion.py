"""`glioscope quality opinion`: what a network trained on radiologists' ratings thinks of a segmentation."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from glioscope.core import InputUnreadable, get_scheme, read_volume
from glioscope.quality import SecondOpinion, second_opinion
from glioscope.workflows.assessment import add_to_assessment, check_assessable, judged_files
from glioscope.workflows.inspect import inspect
from glioscope.workflows.rater_cases import rater_name, read_rater

__all__ = ["ask_second_opinion"]


def ask_second_opinion(
    mask: str | PathLike[str],
    images: str | PathLike[str],
    *,
    scheme: str = "auto",
    exam: str | PathLike[str] | None = None,
) -> SecondOpinion:
    """Rate a segmentation without a reference.

    Args:
        mask: Label map on the grid of the images.
        images: An exam in the atlas, skull-stripped, such as a BraTS case.
        scheme: Of the mask, or `auto`.
        exam: Folder of an exam in a results dataset whose report is to show the rating.

    Raises:
        EngineMissing: the package with the weights is not installed.
        InputUnreadable, AmbiguousExam, MissingSequence, InvalidImage: something is missing or does not fit together.
        OutputUnwritable: `exam` cannot be written to.
    """
    judged = {}
    if exam:
        check_assessable(Path(exam))
        judged = judged_files(Path(exam), [Path(mask)] if Path(mask).is_file() else [])
    found = inspect(images)
    if len(found) != 1:
        raise InputUnreadable(f"'{images}' holds {len(found)} exams; name the folder of one.")
    found[0].resolved()
    target = get_scheme("brats-2023" if scheme in ("auto", "brats-2021") else scheme)
    labels = read_rater(Path(mask), scheme, target)
    volumes = {sequence: read_volume(candidate.files[0]) for sequence, candidate in found[0].chosen.items()}
    opinion = second_opinion(volumes, labels, target)
    if exam:
        document = {"rated": rater_name(Path(mask)), **opinion.document()}
        add_to_assessment(Path(exam), "second_opinion", document, judged)
    return opinion
