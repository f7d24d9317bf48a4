"""BIDS datasets, subjects and sessions: the file names say who and when."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from glioscope.core import bids_name
from glioscope.inspection.images import image_candidates
from glioscope.inspection.material import Material, distinct
from glioscope.inspection.names import read_name

__all__ = ["beside_bids", "bids_materials"]

_NAME = re.compile(r"^sub-(?P<sub>[0-9A-Za-z]+)(?:_ses-(?P<ses>[0-9A-Za-z]+))?_.*\.nii(?:\.gz)?$")
_ANATOMICAL = re.compile(r"_(?:T1w|T2w|FLAIR)\.nii(?:\.gz)?$")
_DATA_TYPES = {"anat", "dwi", "func", "fmap", "perf", "pet", "mrs", "swi"}
_NOT_RAW = {"derivatives", "sourcedata", "code", "stimuli"}


def _place(root: Path, path: Path) -> tuple[str, str | None]:
    """The dataset that a file is of (the folders above its subject's), and the session that its folders name."""
    folders = list(path.relative_to(root).parts[:-1])
    while folders and (folders[-1] in _DATA_TYPES or read_name(folders[-1]).weighting):
        folders.pop()
    session = None
    if folders and folders[-1].startswith("ses-"):
        session = bids_name(folders.pop().removeprefix("ses-"))
    if folders and folders[-1].startswith("sub-"):
        folders.pop()
    return "/".join(folders), session


def bids_materials(root: Path, files: list[Path]) -> list[Material]:
    """One exam for each subject and session with anatomical images; empty where the folder is not BIDS.

    A session that only the folders name is one too; subjects of one label in two datasets below `root` are two.
    `derivatives/` and `sourcedata/` of a dataset are left alone.
    """
    exams: dict[tuple[str, str, str], list[Path]] = {}
    for path in files:
        match = _NAME.match(path.name)
        if match and not _NOT_RAW & set(path.relative_to(root).parts[:-1]):
            dataset, session = _place(root, path)
            exams.setdefault((match["sub"], match["ses"] or session or "", dataset), []).append(path)
    exams = {key: members for key, members in exams.items() if any(_ANATOMICAL.search(path.name) for path in members)}
    return distinct(
        (Material(sub, ses or None, "bids", tuple(image_candidates(root, members))), dataset)
        for (sub, ses, dataset), members in sorted(exams.items())
    )


def beside_bids(root: Path, files: Iterable[Path]) -> list[Path]:
    """Folders below `root` with files but none of BIDS in them, each the topmost, that are not the dataset's own either."""
    files = list(files)
    known = {folder for path in files if _NAME.match(path.name) for folder in path.relative_to(root).parents}
    found = set()
    for path in files:
        inner = path.relative_to(root)
        folders = [folder for folder in reversed(inner.parents) if folder not in known]
        if folders and not (_NOT_RAW | _DATA_TYPES) & set(folders[0].parts):
            found.add(root / folders[0])
    return sorted(found)
