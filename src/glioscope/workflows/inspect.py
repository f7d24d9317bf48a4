"""`glioscope inspect`: which file is which sequence, and what would go wrong."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path

from glioscope.core import Sequence
from glioscope.inspection import Inspection

__all__ = ["inspect"]


def inspect(
    exam: str | PathLike[str], *, overrides: Mapping[Sequence, Path] | None = None, exam_id: str | None = None
) -> list[Inspection]:
    """Look at an exam, or a cohort of exams, without changing anything.

    Args:
        exam: Folder, zip, manifest, BraTS case or BIDS dataset.
        overrides: Sequence -> file that is to be taken for it.
        exam_id: Identifier to use instead of the folder's name.

    Returns:
        One inspection an exam: each file with the sequence it is, the reason and the confidence; what is missing; warnings.

    Raises:
        InputUnreadable: there is nothing to read at `exam`.
    """
    from glioscope.workflows.cohort import inspected

    with inspected(Path(exam), overrides, exam_id) as inspections:
        return inspections
