"""A folder with image files: one exam, a BraTS case, several of them, or a cohort of sub-folders."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from glioscope.core import AmbiguousExam, Sequence, bids_name
from glioscope.inspection.images import image_candidates, image_stem, name_evidence
from glioscope.inspection.material import Material, distinct
from glioscope.inspection.names import read_name, word_set
from glioscope.inspection.owners import by_case, in_doubt, is_series_number, read_owner

__all__ = ["as_session", "image_materials", "is_inner"]

_CONTAINERS = word_set(
    "anat nifti nii images image img orig original raw native registered reg preproc processed data dicom dicoms dcm nrrd mha "
    "converted conversion"
)


def is_inner(name: str) -> bool:
    """Whether a folder is called as folders within an exam are, or for a sequence; also the exam's own, the empty name."""
    return not name or name.lower() in _CONTAINERS or read_name(name).weighting is not None


@dataclass(frozen=True)
class _Folder:
    """What the images of a sub-folder are, by their names; segmentations and what else is set aside do not count."""

    name: str
    sequences: frozenset[Sequence]
    unknown: int
    cases: frozenset[str]

    @property
    def of_sequence(self) -> bool:
        """Whether it is named for a sequence."""
        return read_name(self.name).weighting is not None

    @property
    def strange(self) -> bool:
        """Whether it is named neither for a sequence nor as folders within an exam are."""
        return not is_inner(self.name)

    @property
    def images(self) -> int:
        return len(self.sequences) + self.unknown


def _folder(root: Path, name: str, members: list[Path]) -> _Folder:
    verdicts = [(path, verdict) for path in members if not (verdict := name_evidence(path, root)).set_aside]
    return _Folder(
        name,
        frozenset(verdict.sequence for _, verdict in verdicts if verdict.sequence),
        sum(verdict.sequence is None for _, verdict in verdicts),
        frozenset(case for path, _ in verdicts if (case := read_owner(image_stem(path)).case)),
    )


def _name_themselves(folders: list[_Folder]) -> bool:
    """Whether each folder's images are named for one case, and no two folders for the same one."""
    cases = [next(iter(folder.cases)) for folder in folders if len(folder.cases) == 1]
    if len(set(cases)) < len(folders):
        return False
    return all(
        bool(re.search(r"\d{2}", case)) or bids_name(case).lower() == bids_name(folder.name).lower()
        for case, folder in zip(cases, folders, strict=True)
    )


def _is_cohort(root: Path, folders: dict[str, list[Path]]) -> bool:
    """Whether the direct sub-folders are exams.

    Folders named for sequences are one exam. Others are exams where two have the same sequence or one has several, or where
    the files in each are named for another case.

    Raises:
        AmbiguousExam: one image a folder, none like another, and no name that tells; or loose images beside such folders.
    """
    found = [folder for name, members in folders.items() if (folder := _folder(root, name, members)).images]
    within = [folder for folder in found if folder.name]
    strangers = [folder for folder in within if folder.strange]
    if len(within) < len(found) and strangers:
        raise in_doubt(root, [folder.name for folder in strangers])
    if len(within) < len(found) or len(within) < 2 or all(folder.of_sequence for folder in within):
        return False
    sequences = [sequence for folder in within for sequence in folder.sequences]
    if len(set(sequences)) < len(sequences) or sum(folder.unknown >= 2 for folder in within) >= 2:
        return True
    if len(strangers) < 2 or (len(strangers) < len(within) and not any(folder.sequences for folder in strangers)):
        return False
    named = all(re.match(r"(?i)(?:sub|ses)-", folder.name) for folder in strangers)
    if named or any(folder.images > 1 for folder in strangers) or _name_themselves(strangers):
        return True
    numbers = all(is_series_number(folder.name) for folder in strangers)
    if numbers and len(frozenset.union(*(folder.cases for folder in strangers))) == 1:
        return False  # series by their numbers, of one case
    raise in_doubt(root, [folder.name for folder in strangers])


def image_materials(root: Path, files: list[Path], exam_id: str, session: str | None = None) -> list[Material]:
    """The exams among image files below `root`.

    One file per sequence across sub-folders named for sequences is one exam; where sequences repeat in the sub-folders, or
    their images are named for different cases, each of those is an exam (and the folders within it its sessions). Names tell
    several cases in one folder apart. What may be one exam or several is one that says so, never two cases in one.
    """
    folders: dict[str, list[Path]] = {}
    for path in files:
        parts = path.relative_to(root).parts
        folders.setdefault(parts[0] if len(parts) > 1 else "", []).append(path)
    if len(folders) == 1 and "" not in folders:
        (inner,) = folders
        return image_materials(root / inner, files, exam_id, session)
    try:
        if _is_cohort(root, folders):
            return _cohort(root, folders, session)
        cases = by_case(root, files)
    except AmbiguousExam as doubt:
        return [Material(exam_id, session, "images", tuple(image_candidates(root, files)), doubt=doubt)]
    if len(cases) > 1:
        return distinct(
            (Material(bids_name(case), session, "images", tuple(image_candidates(root, members)), brats=True), case)
            for case, members in sorted(cases.items())
        )
    brats = any(re.search(r"\d{2}", case) for case in cases)
    return [Material(exam_id, session, "images", tuple(image_candidates(root, files)), brats=brats)]


def _cohort(root: Path, folders: dict[str, list[Path]], session: str | None) -> list[Material]:
    found = []
    for folder, members in sorted(folders.items()):
        if not folder:
            continue  # masks beside the exams' folders
        label = bids_name(folder)
        within = image_materials(root / folder, members, label)
        if len(within) > 1 or session is not None:
            within = [as_session(m, label, m.id if m.id != label else None) for m in within]
        found += [(m, f"{folder}/{m.session}") for m in within]
    return distinct(found)


def as_session(material: Material, exam_id: str, session: str | None) -> Material:
    """`material` as a session of exam `exam_id`; one that has a session already keeps it behind `session`."""
    label = "".join(part for part in (session, material.session) if part) or None
    return Material(
        exam_id, label, material.source, material.candidates, material.problem, material.brats, doubt=material.doubt
    )
