"""A folder with image files: one exam, a BraTS case, several of them, or a cohort of sub-folders."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from glioscope.core import Sequence, bids_name, parse_sequence
from glioscope.inspection.images import image_candidates, image_stem, name_evidence
from glioscope.inspection.material import Material, distinct

__all__ = ["image_materials"]

_CASE = re.compile(r"^(?P<case>.*\d{2}.*)[_.-](?P<sequence>[A-Za-z0-9]+)$")
_SEGMENTATION = {"seg", "segmentation", "label", "mask"}


def _case_of(path: Path) -> tuple[str, Sequence | None] | None:
    """The case and sequence in a name such as `BraTS2021_00006_t1ce` or `BraTS-GLI-00001-000-t2f`; None for other names."""
    match = _CASE.match(image_stem(path))
    if match is None:
        return None
    word = match["sequence"].lower()
    sequence = parse_sequence(word)
    return (match["case"], sequence) if sequence or word in _SEGMENTATION else None


def _cases(files: Iterable[Path]) -> dict[str, list[Path]]:
    """Files by case, for cases that have two sequences or more."""
    cases: dict[str, list[Path]] = {}
    sequences: dict[str, set[Sequence]] = {}
    for path in files:
        found = _case_of(path)
        if found:
            cases.setdefault(found[0], []).append(path)
            if found[1]:
                sequences.setdefault(found[0], set()).add(found[1])
    return {case: members for case, members in cases.items() if len(sequences.get(case, ())) >= 2}


def _is_cohort(root: Path, folders: dict[str, list[Path]]) -> bool:
    """Whether the direct sub-folders are exams: two of them have the same sequence, or two hold several unknown images."""
    if "" in folders or len(folders) < 2:
        return False
    seen: dict[Sequence, int] = {}
    unknown = 0
    for members in folders.values():
        verdicts = [name_evidence(path, root) for path in members]
        for sequence in {v.sequence for v in verdicts if v.sequence and not v.set_aside}:
            seen[sequence] = seen.get(sequence, 0) + 1
        unknown += sum(v.sequence is None and not v.set_aside for v in verdicts) >= 2
    return max(seen.values(), default=0) >= 2 or unknown >= 2


def image_materials(root: Path, files: list[Path], exam_id: str, session: str | None = None) -> list[Material]:
    """The exams among image files below `root`.

    One file per sequence across the sub-folders is one exam; where sequences repeat in the sub-folders, each of those is an
    exam (and the folders within it its sessions). Names of the BraTS kind in one folder tell several cases apart.
    """
    folders: dict[str, list[Path]] = {}
    for path in files:
        parts = path.relative_to(root).parts
        folders.setdefault(parts[0] if len(parts) > 1 else "", []).append(path)
    if len(folders) == 1 and "" not in folders:
        (inner,) = folders
        return image_materials(root / inner, files, exam_id, session)
    if _is_cohort(root, folders):
        found = []
        for folder, members in sorted(folders.items()):
            label = bids_name(folder)
            within = image_materials(root / folder, members, label)
            if len(within) > 1 or session is not None:
                within = [_as_session(m, label, m.id if m.id != label else None) for m in within]
            found += [(m, f"{folder}/{m.session}") for m in within]
        return distinct(found)
    cases = _cases(folders.get("", []))
    if len(cases) > 1:
        return distinct(
            (Material(bids_name(case), None, "images", tuple(image_candidates(root, members)), brats=True), case)
            for case, members in sorted(cases.items())
        )
    return [Material(exam_id, session, "images", tuple(image_candidates(root, files)), brats=len(cases) == 1)]


def _as_session(material: Material, exam_id: str, session: str | None) -> Material:
    label = "".join(part for part in (session, material.session) if part) or None
    return Material(exam_id, label, material.source, material.candidates, material.problem, material.brats)
