"""What the user named for a sequence: an image, a DICOM series by its folder, one of its files or its number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from glioscope.core import AmbiguousExam, InputUnreadable, Sequence, is_image
from glioscope.inspection.candidate import Candidate
from glioscope.inspection.dicom_folder import read_instances
from glioscope.inspection.dicom_series import series_candidates
from glioscope.inspection.images import given_candidate
from glioscope.inspection.walk import list_files

__all__ = ["named_candidate"]


def named_candidate(named: Path, sequence: Sequence, found: Iterable[Candidate]) -> Candidate:
    """The candidate that `named` means.

    Args:
        named: An image file; a folder that holds one DICOM series; any file of a series; or, where no such file exists, the
            number of a series of the exam, such as `5`.
        sequence: What it is to be taken for.
        found: The exam's own candidates.

    Raises:
        InputUnreadable: there is no such file or series, or it holds no images.
        AmbiguousExam: a folder or number that stands for several series; the sentence lists them.
        GlioscopeError: the file itself cannot be used; nothing else is tried in its place.
    """
    if named.is_file() and is_image(named):
        return given_candidate(named, sequence)
    if named.exists():
        instances, _ = read_instances(list_files(named) if named.is_dir() else sorted(named.parent.iterdir()))
        series = [c for c in series_candidates(instances) if c.grid is not None or c.fault is not None]
        if named.is_file():
            series = [c for c in series if named.resolve() in {file.resolve() for file in c.files}]
    else:
        number = f"series {named}"
        series = [c for c in found if c.kind == "dicom" and (c.name == number or c.name.startswith(number + " "))]
    if not series:
        raise InputUnreadable(
            f"'{named}', given with --{sequence}, is no image, DICOM series or number of a series of this exam."
        )
    if len(series) > 1:
        choices = ", ".join(c.name for c in series)
        raise AmbiguousExam(f"'{named}', given with --{sequence}, stands for several series ({choices}); name a file of one.")
    if series[0].fault is not None:
        raise series[0].fault
    return replace(series[0], sequence=sequence, confidence=1.0, reason=f"given with --{sequence}", set_aside=None)
