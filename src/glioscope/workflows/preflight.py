"""What can be known to fail before minutes of work are spent on it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from glioscope.core import EngineMissing, InvalidImage, OutputUnwritable
from glioscope.inspection import Inspection
from glioscope.segmentation import Segmenter
from glioscope.workflows.dicom_results import not_dicom
from glioscope.workflows.preprocess_exam import HEADS, PreprocessOptions

__all__ = ["check_before_work", "check_dicom_source", "warning_of"]

_CHOICES = {
    "atlas": tuple(HEADS),
    "atlas_transform": ("rigid", "affine", "syn"),
    "interpolation": ("linear", "bspline"),
    "normalisation": (None, "zscore", "percentile"),
}

NEEDED_BYTES = 100 * 2**20
"""An exam of four sequences leaves about 60 MB."""


def check_options(options: PreprocessOptions) -> None:
    """Raise EngineMissing for a choice that does not exist, listing those that do."""
    for name, choices in _CHOICES.items():
        value = getattr(options, name)
        if value not in choices:
            known = ", ".join(choice for choice in choices if choice)
            raise EngineMissing(f"There is no {name.replace('_', ' ')} '{value}'; choose one of {known}.")


def check_before_work(inspection: Inspection, out: Path, options: PreprocessOptions) -> None:
    """Raise now what would be raised later: an unusable exam, a full disk, an atlas or engine that is not installed.

    Raises:
        AmbiguousExam: two files are equally good for one sequence.
        OutputUnwritable: less than 100 MB are free.
        EngineMissing: the atlas or an engine is not installed.
    """
    from glioscope.atlas import atlas_volume
    from glioscope.preprocessing.brain_extraction import get_extractor
    from glioscope.preprocessing.registration import get_engine

    inspection.resolved()
    free = shutil.disk_usage(out).free
    if free < NEEDED_BYTES:
        raise OutputUnwritable(
            f"The disk of '{out}' has {free / 2**20:.0f} MB left and an exam needs about 100 MB; free some space and run again."
        )
    check_options(options)
    if not inspection.prepared:
        atlas_volume(*HEADS[options.atlas])
        get_engine(options.registration)
        get_extractor(options.brain_extraction)


def warning_of(segmenter: Segmenter, sequences: Iterable[str]) -> str | None:
    """The sentence that says of a segmenter that it did badly on exams with just these sequences; None where it did not."""
    from glioscope.quality import Severity, measured_remarks

    measured = segmenter.measured(sequences)
    remarks = measured_remarks(**measured.document()) if measured else []
    return next((remark.sentence for remark in remarks if remark.severity is Severity.WARNING), None)


def check_dicom_source(inspection: Inspection) -> None:
    """Raise now that no DICOM objects can be made of the results, as the series they would lie on came as an image file.

    Raises:
        AmbiguousExam, MissingSequence: the exam cannot be used at all.
        InvalidImage: it did not come as DICOM.
    """
    inspection.resolved()
    reference = inspection.reference
    if inspection.chosen[reference].kind != "dicom":
        others = any(candidate.kind == "dicom" for candidate in inspection.chosen.values())
        what = f"Its {reference.display_name}" if others else "It"
        raise InvalidImage(f"{not_dicom(inspection.name, what)} Run it from its DICOM files, or without --dicom.")
