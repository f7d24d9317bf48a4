"""Image files (NIfTI, NRRD, MetaImage) as candidates: their sidecars first, then their names."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from glioscope.core import GlioscopeError, InputUnreadable, InvalidImage, Sequence, read_header
from glioscope.core.acquisition import acquisition_attributes
from glioscope.core.imageio import IMAGE_SUFFIXES
from glioscope.inspection.attributes import Evidence, from_attributes, from_name, sidecar_attributes
from glioscope.inspection.candidate import Candidate

__all__ = ["image_candidates", "image_stem", "name_evidence", "sidecar_owner"]

MAX_SIDECAR_BYTES = 2**22
UNSURE = 0.5


def image_stem(path: Path) -> str:
    """The file's name without the ending of its format."""
    lower = path.name.lower()
    ending = max((s for s in IMAGE_SUFFIXES if lower.endswith(s)), key=len, default=path.suffix)
    return path.name[: len(path.name) - len(ending)] if ending else path.name


def _sidecar(path: Path) -> dict[str, Any]:
    """The JSON beside an image, with times in ms; empty where there is none or it is damaged."""
    beside = path.with_name(image_stem(path) + ".json")
    try:
        if not beside.is_file() or beside.stat().st_size > MAX_SIDECAR_BYTES:
            return {}
        document = json.loads(beside.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    return sidecar_attributes(document) if isinstance(document, dict) else {}


def sidecar_owner(path: Path) -> set[tuple[str, str]]:
    """Patient and study that an image's sidecar names, only to tell two of them apart and never shown."""
    sidecar = _sidecar(path)
    return {(key, str(sidecar[key])) for key in ("PatientID", "StudyInstanceUID") if sidecar.get(key)}


def name_evidence(path: Path, root: Path) -> Evidence:
    """What the file's name says, and where it says nothing the folders between it and the exam, nearest first."""
    folders = path.relative_to(root).parts[:-1] if path.is_relative_to(root) else ()
    return from_name(image_stem(path), *reversed(folders))


def _evidence(path: Path, root: Path, sidecar: dict[str, Any]) -> Evidence:
    by_name = name_evidence(path, root)
    if not sidecar or by_name.set_aside:
        return by_name
    by_sidecar = from_attributes(sidecar)
    if by_sidecar.set_aside:
        return by_sidecar
    if by_sidecar.sequence is None or by_sidecar.confidence < UNSURE:
        return by_name if by_name.sequence else by_sidecar
    both_t1 = {by_sidecar.sequence, by_name.sequence} == {Sequence.T1N, Sequence.T1C}
    if both_t1 and by_name.sequence is Sequence.T1C:
        return Evidence(Sequence.T1C, 0.85, f"its sidecar ({by_sidecar.reason}) and contrast from its name")
    if by_name.sequence not in (None, by_sidecar.sequence) and not both_t1:
        reason = f"its name says {by_name.sequence} but its sidecar says {by_sidecar.sequence}"
        return Evidence(by_sidecar.sequence, 0.4, reason)
    return Evidence(by_sidecar.sequence, by_sidecar.confidence, f"its sidecar: {by_sidecar.reason}")


def _candidate(path: Path, root: Path) -> Candidate:
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    sidecar = _sidecar(path)
    verdict = _evidence(path, root, sidecar)
    common: dict[str, Any] = {
        "name": name,
        "files": (path,),
        "kind": "image",
        "attributes": acquisition_attributes(sidecar),
        "sequence": verdict.sequence,
        "confidence": verdict.confidence,
        "reason": verdict.reason,
        "set_aside": verdict.set_aside,
    }
    try:
        header = read_header(path)
    except (InputUnreadable, InvalidImage) as error:
        return Candidate(**common, fault=error)
    except OSError as error:
        return Candidate(
            **common, fault=InputUnreadable(f"'{path.name}' cannot be read ({error.strerror}); check its permissions.")
        )
    return Candidate(**common, grid=header.grid, dtype=header.dtype)


def image_candidates(root: Path, files: Iterable[Path]) -> list[Candidate]:
    """One candidate a file; one that cannot be read carries its fault."""
    return [_candidate(path, root) for path in files]


def given_candidate(path: Path, sequence: Sequence) -> Candidate:
    """The candidate for a file that the user named for `sequence`.

    Raises:
        GlioscopeError: the file cannot be read; nothing else is tried in its place.
    """
    candidate = _candidate(path, path.parent)
    if candidate.fault is not None:
        raise candidate.fault
    fields = vars(candidate) | {
        "sequence": sequence,
        "confidence": 1.0,
        "reason": f"given with --{sequence}",
        "set_aside": None,
    }
    return Candidate(**fields)


def content_fault(path: Path) -> GlioscopeError | None:
    """What is wrong with an image's voxels (truncated, all one value, not finite), or None."""
    from glioscope.core import read_volume

    try:
        read_volume(path)
    except GlioscopeError as error:
        return error
    return None
