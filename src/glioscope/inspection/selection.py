"""Which candidate is used for each sequence: by documented reasons, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np

from glioscope.core import GlioscopeError, Grid, Sequence, read_volume
from glioscope.core.files import sha256
from glioscope.inspection.candidate import Candidate

__all__ = ["SURE", "select"]

SURE = 0.5
"""A candidate that is less sure than this is not used without being named."""
THIN_MM = 1.6
THICK_MM = 2.5

_Rule = Callable[[Candidate, Candidate], str | None]


def _slice_axis(grid: Grid) -> int:
    return int(np.argmax(grid.spacing))


def _plane(grid: Grid) -> str:
    """The plane of the slices of a thick series."""
    letter = grid.orientation[_slice_axis(grid)]
    return {"S": "axial", "I": "axial", "A": "coronal", "P": "coronal"}.get(letter, "sagittal")


def _coverage(grid: Grid) -> float:
    return float(grid.extent.min())


def _same_voxels(a: Candidate, b: Candidate) -> bool:
    if a.kind != "image" or b.kind != "image" or a.grid is None or b.grid is None or not a.grid.same_as(b.grid):
        return False
    if sha256(a.files[0]) == sha256(b.files[0]):
        return True
    try:
        return bool(np.array_equal(read_volume(a.files[0]).data, read_volume(b.files[0]).data))
    except GlioscopeError:
        return False


def _duplicate(a: Candidate, b: Candidate) -> str | None:
    """An identical image under another name: the one that sorts first stays."""
    return f"duplicate of {a.name}" if a.name < b.name and _same_voxels(a, b) else None


def _kinds(candidate: Candidate) -> set[str]:
    kinds = candidate.attributes.get("ImageType")
    return {str(kind).upper() for kind in kinds} if isinstance(kinds, list) else set()


def _derived(a: Candidate, b: Candidate) -> str | None:
    """A series computed from another (reformatted, averaged) gives way to the original."""
    return f"derived from {a.name}" if "ORIGINAL" in _kinds(a) and "DERIVED" in _kinds(b) else None


def _uncorrected(a: Candidate, b: Candidate) -> str | None:
    """The twin without distortion correction (`ND`) gives way to the corrected one on the same grid."""
    corrected, plain = {"DIS2D", "DIS3D"}, "ND"
    same = a.grid is not None and b.grid is not None and a.grid.same_as(b.grid, 0.1)
    if same and _kinds(a) & corrected and plain in _kinds(b) and not _kinds(b) & corrected:
        return f"not distortion-corrected, unlike {a.name}"
    return None


def _short(a: Candidate, b: Candidate) -> str | None:
    """A series that covers less than 60 % of what another covers, or fewer than 60 mm."""
    if a.grid is None or b.grid is None:
        return None
    if _coverage(b.grid) < 0.6 * _coverage(a.grid) and _coverage(b.grid) < 100:
        return f"covers {_coverage(b.grid):.0f} mm only, {a.name} covers {_coverage(a.grid):.0f} mm"
    return None


def _thick(a: Candidate, b: Candidate) -> str | None:
    """Thick slices give way to a 3-D acquisition."""
    if a.grid is None or b.grid is None or a.grid.spacing.max() > THIN_MM or b.grid.spacing.max() < THICK_MM:
        return None
    return f"thick slices ({b.grid.spacing.max():.1f} mm), superseded by the 3-D {a.name}"


def _not_axial(a: Candidate, b: Candidate) -> str | None:
    """Of two series with thick slices the axial one stays: the convention of the field's data, and the larger brain area."""
    if a.grid is None or b.grid is None or min(a.grid.spacing.max(), b.grid.spacing.max()) < THICK_MM:
        return None
    if _plane(a.grid) == "axial" != _plane(b.grid) and a.grid.spacing.max() <= 1.5 * b.grid.spacing.max():
        return f"{_plane(b.grid)} slices, superseded by the axial {a.name}"
    return None


_RULES: tuple[_Rule, ...] = (_duplicate, _derived, _uncorrected, _short, _thick, _not_axial)


def _winnow(rivals: list[Candidate]) -> tuple[list[Candidate], dict[str, str]]:
    """Rivals left after every rule in turn, and why the others were set aside (by name)."""
    reasons: dict[str, str] = {}
    for rule in _RULES:
        if len(rivals) < 2:
            break
        for b in rivals:
            why = next((why for a in rivals if a is not b and a.name not in reasons and (why := rule(a, b))), None)
            if why:
                reasons[b.name] = why
        rivals = [rival for rival in rivals if rival.name not in reasons]
    return rivals, reasons


def select(
    candidates: Iterable[Candidate],
) -> tuple[tuple[Candidate, ...], Mapping[Sequence, Candidate], Mapping[Sequence, tuple[Candidate, ...]]]:
    """All candidates (with the reasons of those set aside), those chosen, and those that cannot be told apart.

    A candidate with confidence 1 was named by the user and stands without rivals.
    """
    everything = list(candidates)
    chosen: dict[Sequence, Candidate] = {}
    ambiguous: dict[Sequence, tuple[Candidate, ...]] = {}
    for sequence in Sequence:
        rivals = [c for c in everything if c.sequence is sequence and c.usable and c.confidence >= SURE]
        named = [c for c in rivals if c.confidence == 1.0]
        if named:
            reasons = {
                c.name: f"{named[0].name} was given instead" for c in everything if c.sequence is sequence and c not in named
            }
            left = named[:1]
        else:
            left, reasons = _winnow(rivals)
        everything = [
            replace(c, set_aside=reasons[c.name]) if c.sequence is sequence and c.name in reasons and c.set_aside is None else c
            for c in everything
        ]
        if len(left) == 1:
            chosen[sequence] = left[0]
        elif left:
            ambiguous[sequence] = tuple(left)
    return tuple(everything), chosen, ambiguous
