"""Whose images these are, as far as names tell: never are images of two cases made one exam."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from glioscope.core import AmbiguousExam, parse_sequence
from glioscope.inspection.images import image_stem, name_evidence, sidecar_owner
from glioscope.inspection.names import read_name, word_set

__all__ = ["Named", "by_case", "in_doubt", "is_series_number", "read_owner"]

_PIECE = re.compile(r"[A-Z]+[a-z0-9]*|[a-z0-9]+")
_SEGMENTATION = "segmentation or mask"
_NEUTRAL = word_set(
    "ax axial sag sagittal cor coronal tra transverse obl oblique pre post native gd brain head mr mri mrhr wip 2d 3d se tse "
    "fse w weighted image images img im scan series ser acq run vol volume file nifti nii"
)
_TECHNICAL = re.compile(r"(?i)(?<![a-z])(?:te|tr|ti|fa|mm|iso|mat|x|b|v)\d|\d(?:mm|ms|x\d|iso)")


@dataclass(frozen=True)
class Named:
    """The parts of an image's name that say nothing of the sequence.

    Attributes:
        case: What stands before the word for the sequence, without planes and the like; empty where nothing does.
        rest: What stands after it; the whole name where it has no such word.
        told: Whether the name has a word for the sequence.
    """

    case: str
    rest: str
    told: bool


def _words(text: str) -> str:
    numbered = (
        re.sub(r"(?i)^([a-z]+)(?=\d+$)", lambda m: "" if m[1].lower() in _NEUTRAL else m[1], word)
        for word in re.split(r"[\W_]+", text)
    )  # `scan01` is no more than its number
    words = [word for word in numbered if word and word.lower() not in _NEUTRAL]
    return "_".join(word for word in words if (len(word) > 1 or word.isdigit()) and read_name(word).contrast is None)


def read_owner(stem: str) -> Named:
    """Split `BraTS2021_00006_t1ce`, `Case01_T1_post` or `t1_mprage` at the first word for a sequence or segmentation."""
    pieces = list(_PIECE.finditer(stem))
    for piece in pieces:
        word = piece.group().lower()
        if len(word) == 2 and word not in ("t1", "t2") and piece is not pieces[-1]:
            continue  # `FL` and `MP` are as often someone's initials
        reading = read_name(word)
        if parse_sequence(word) or reading.weighting or reading.set_aside == _SEGMENTATION:
            return Named(_words(stem[: piece.start()]), _words(stem[piece.end() :]), True)
    return Named("", _words(stem), False)


def in_doubt(root: Path, names: Iterable[str]) -> AmbiguousExam:
    """The refusal to say that a folder is one exam."""
    some = ", ".join(f"'{name}'" for name in sorted(names)[:4])
    return AmbiguousExam(
        f"It cannot be told whether '{root.name}' is one exam or several ({some}); if it is one, name it with --id, "
        "else list each in a CSV table of exams."
    )


def _template(label: str) -> str:
    return re.sub(r"\d+", "#", label.lower())


def is_series_number(label: str) -> bool:
    """Whether it may be the number that a scanner gives to a series: up to four digits, but no year."""
    return bool(re.fullmatch(r"(?!(?:19|20)\d\d$)\d{1,4}", label))


def _are_series_numbers(labels: set[str]) -> bool:
    """`5`, `13`; or `exam_0125_5`, `exam_0125_13`: one name with the running number that a scanner gives."""
    if all(is_series_number(label) for label in labels):
        return True
    parts = [re.fullmatch(r"(.*\d{2}.*)_([1-9]\d{0,2})", label) for label in labels]
    return all(parts) and len({part[1] for part in parts if part}) == 1


def _look_like_ids(names: set[str]) -> bool:
    """Names with letters that differ only in a number of two digits or more, and not one of physics (`TE15`, `5mm`)."""
    marked = {n for n in names if re.search(r"\d{2}", n) and re.search(r"[A-Za-z]{2}", n) and not _TECHNICAL.search(n)}
    return len(marked) > len({_template(n) for n in marked})


def _told_apart(kinds: dict[str, set[str]]) -> set[str]:
    """The cases that are surely several, or the one that is surely one, by the sequences and masks that each name has."""
    numbered = {case for case in kinds if re.search(r"\d", case)}
    alike = all(re.search(r"\d{2}", case) for case in numbered) or len({_template(case) for case in numbered}) == 1
    series = _are_series_numbers(set(kinds))  # each of which has one sequence, and perhaps a mask
    shared = any(len(kinds[case] - {_SEGMENTATION} if series else kinds[case]) > 1 for case in numbered)
    if len(numbered) > 1 and alike and shared:
        return numbered
    return {case for case in kinds if len(kinds) == 1 and len(kinds[case]) > 1}


def _refuse_doubt(root: Path, cases: set[str], rests: dict[tuple[bool, bool], set[str]], people: set[tuple[str, str]]) -> None:
    if len(cases) > 1 and not _are_series_numbers(cases):
        raise in_doubt(root, cases)
    for (told, known), names in rests.items():
        if _look_like_ids(names) or (known and not told and len(names) > 1 and not _are_series_numbers(names)):
            raise in_doubt(root, names)
    if any(len({value for of, value in people if of == kind}) > 1 for kind, _ in people):
        raise AmbiguousExam(
            f"The sidecars in '{root.name}' name several patients or studies; put each into a folder of its own."
        )


def by_case(root: Path, files: Iterable[Path]) -> dict[str, list[Path]]:
    """The files of one folder by the case that their names tell; none or one means one exam.

    Raises:
        AmbiguousExam: their names, or the patients and studies of their sidecars, may mean one exam or several.
    """
    members: dict[str, list[Path]] = {}
    kinds: dict[str, set[str]] = {}
    rests: dict[tuple[bool, bool], set[str]] = {}  # by whether the name, and its folders, have a word for the sequence
    people: set[tuple[str, str]] = set()
    for path in files:
        named, evidence = read_owner(image_stem(path)), name_evidence(path, root)
        if named.case:
            members.setdefault(named.case, []).append(path)
        if evidence.set_aside in (None, _SEGMENTATION) and named.case:
            kinds.setdefault(named.case, set()).add(evidence.sequence or _SEGMENTATION)
        if evidence.set_aside is None:
            rests.setdefault((named.told, evidence.sequence is not None), set()).update([named.rest] if named.rest else [])
            people.update(sidecar_owner(path))
    cases = _told_apart(kinds)
    if len(cases) < 2:
        _refuse_doubt(root, set(kinds), rests, people)
    return {case: members[case] for case in cases}
