"""BIDS datasets, subjects and sessions: the file names say who and when."""

from __future__ import annotations

import re
from pathlib import Path

from glioscope.inspection.images import image_candidates
from glioscope.inspection.material import Material

__all__ = ["bids_materials"]

_NAME = re.compile(r"^sub-(?P<sub>[0-9A-Za-z]+)(?:_ses-(?P<ses>[0-9A-Za-z]+))?_.*\.nii(?:\.gz)?$")
_ANATOMICAL = re.compile(r"_(?:T1w|T2w|FLAIR)\.nii(?:\.gz)?$")
_NOT_RAW = {"derivatives", "sourcedata", "code", "stimuli"}


def bids_materials(root: Path, files: list[Path]) -> list[Material]:
    """One exam for each subject and session with anatomical images; empty where the folder is not BIDS.

    `derivatives/` and `sourcedata/` of a dataset are left alone.
    """
    exams: dict[tuple[str, str | None], list[Path]] = {}
    for path in files:
        match = _NAME.match(path.name)
        if match and not _NOT_RAW & set(path.relative_to(root).parts[:-1]):
            exams.setdefault((match["sub"], match["ses"]), []).append(path)
    exams = {key: members for key, members in exams.items() if any(_ANATOMICAL.search(path.name) for path in members)}
    return [
        Material(sub, ses, "bids", tuple(image_candidates(root, members)))
        for (sub, ses), members in sorted(exams.items(), key=lambda item: (item[0][0], item[0][1] or ""))
    ]
