"""DICOM files and other images in one folder: the one made of the other, or exams that must not become one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from glioscope.core import AmbiguousExam, Grid, Sequence
from glioscope.inspection.candidate import Candidate
from glioscope.inspection.material import Material, distinct

__all__ = ["brought_together"]

MM = 1.0
"""How far apart the centres of a series and of the image made of it may be; converters turn axes, they move nothing."""


def _told(candidates: Iterable[Candidate]) -> list[Candidate]:
    return [c for c in candidates if c.sequence and not c.set_aside]


def _centre(grid: Grid) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return grid.to_world((np.asarray(grid.shape) - 1) / 2)


def _same_place(a: Grid, b: Grid) -> bool:
    """Whether both are one box of voxels, whichever way its axes run."""
    alike = sorted(a.shape) == sorted(b.shape) and np.allclose(sorted(a.spacing), sorted(b.spacing), rtol=0.01)
    return bool(alike and np.abs(_centre(a) - _centre(b)).max() <= MM)


def _has_twin(candidate: Candidate, others: Iterable[Candidate]) -> bool:
    """Whether one of the others is the same sequence on the same grid."""
    return any(
        candidate.sequence is c.sequence and candidate.grid and c.grid and _same_place(candidate.grid, c.grid) for c in others
    )


def _sequences(material: Material) -> set[Sequence]:
    return {c.sequence for c in _told(material.candidates) if c.sequence}


def brought_together(root: Path, from_dicom: list[Material], from_images: list[Material]) -> list[Material]:
    """The exams of a folder whose DICOM files and other images no sub-folders tell apart.

    Images that were made of the DICOM series, each on the grid of the same sequence, add nothing. Others may be of the same
    exam or of another one: one exam of each kind is then one that says so, and becomes one, with the sequences of either, where
    the user says that it is; beside several exams of one kind, the exam of the other kind says so.
    """
    series = [c for m in from_dicom for c in _told(m.candidates)]
    images = [c for m in from_images for c in _told(m.candidates)]
    strange = [c for c in images if not _has_twin(c, series)]
    doubt = None
    if strange and series:
        doubt = AmbiguousExam(
            f"'{root.name}' holds DICOM ({_some(series)}) and images that were not made of it ({_some(strange)}); if that is "
            "one exam, name it with --id, else list each in a CSV table of exams."
        )
    if len(from_dicom) == len(from_images) == 1:
        return [_one(from_dicom[0], from_images[0], doubt)]
    if doubt is None:
        return from_dicom if series else from_images
    found = [*_doubted(from_dicom, doubt), *_doubted(from_images, doubt)]
    return distinct((material, f"{number} {material.name}") for number, material in enumerate(found))


def _doubted(found: list[Material], doubt: AmbiguousExam) -> list[Material]:
    return found if len(found) > 1 else [replace(found[0], doubt=found[0].doubt or doubt)]


def _some(candidates: Iterable[Candidate]) -> str:
    names = list(dict.fromkeys(f"'{c.name}'" for c in candidates))
    return ", ".join(names[:4]) + (", …" if len(names) > 4 else "")


def _one(dicom: Material, images: Material, doubt: AmbiguousExam | None) -> Material:
    """One exam of both kinds: the one that tells more sequences, with those that only the other has."""
    base, other = (images, dicom) if len(_sequences(images)) > len(_sequences(dicom)) else (dicom, images)
    aside = f"the exam is read from its {'DICOM' if base is dicom else 'image'} files"
    lacking = set(Sequence) - _sequences(base)
    more = [
        c if doubt and c.sequence in lacking else replace(c, set_aside=c.set_aside or aside, fault=None)
        for c in other.candidates
    ]
    return replace(base, candidates=(*base.candidates, *more), problem=base.problem or dicom.problem, doubt=base.doubt or doubt)
