"""Names of NIfTI files before and after: what they say of subject, session and sequence."""

from __future__ import annotations

import re
from pathlib import Path

from glioscope.core import bids_name
from glioscope.inspection.attributes import from_name

__all__ = ["image_name", "labels_of"]

_SUBJECT, _SESSION = re.compile(r"sub-([0-9A-Za-z]+)"), re.compile(r"ses-([0-9A-Za-z]+)")
_LABELS = re.compile(r"(^|[_\-.])(d?seg|label|labels|mask)([_\-.]|$)", re.IGNORECASE)


def _stem(path: Path) -> str:
    return re.sub(r"\.nii(\.gz)?$", "", path.name, flags=re.IGNORECASE)


def labels_of(path: Path, study: Path) -> tuple[str, str]:
    """Subject and session of an image: by its BIDS name or folders, else the folder that holds it, and no session."""
    below = [study.resolve().name, *path.relative_to(study).parts] if path != study else [path.name]
    subjects = [found[1] for part in reversed(below) if (found := _SUBJECT.search(part))]
    sessions = [found[1] for part in reversed(below) if (found := _SESSION.search(part))]
    return (subjects or [path.resolve().parent.name])[0], (sessions or [""])[0]


def image_name(path: Path, patient: str, exam: str, run: int) -> str:
    """`sub-…_ses-…[_ce-gadolinium][_run-N]_T1w.nii.gz` in pseudonyms; of the old name only the sequence stays."""
    stem = _stem(path)
    evidence = from_name(stem)
    sequence = evidence.sequence
    suffix = "dseg" if _LABELS.search(stem) else sequence.bids_suffix if sequence else "unknown"
    contrast = f"_ce-{sequence.bids_contrast}" if sequence and sequence.bids_contrast and suffix != "dseg" else ""
    again = f"_run-{run}" if run > 1 else ""
    return f"sub-{bids_name(patient)}_ses-{bids_name(exam)}{contrast}{again}_{suffix}.nii.gz"
