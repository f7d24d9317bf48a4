"""What would go wrong or lower the quality, seen from headers alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from glioscope.core import Grid, Sequence
from glioscope.inspection.candidate import Candidate

__all__ = ["remarks"]

THICK_MM = 5.0
BRAIN_HEIGHT_MM = 120.0
OBLIQUE_DEGREES = 5.0

_COST = {
    Sequence.T1C: "enhancing tumour cannot be told from the rest",
    Sequence.T1N: "enhancement cannot be told from blood",
    Sequence.T2W: "segmenters that need all four sequences cannot be used",
    Sequence.T2F: "oedema and infiltration are hard to delineate",
}


def _of_grid(title: str, grid: Grid, prepared: bool) -> list[str]:
    out = []
    axis = int(np.argmax(grid.spacing))
    if (short := float(grid.extent.min())) < BRAIN_HEIGHT_MM and not prepared:
        out.append(f"{title} covers {short:.0f} mm only, so part of the brain is probably outside it.")
    inplane = np.delete(grid.spacing, axis)
    if inplane.max() > 1.2 * inplane.min() and inplane.max() > 1.2:
        out.append(f"{title} has an odd spacing ({' x '.join(f'{s:.2f}' for s in grid.spacing)} mm).")
    if grid.spacing.min() > 2 or grid.spacing.min() < 0.2:
        out.append(f"{title} has an unusual resolution ({' x '.join(f'{s:.2f}' for s in grid.spacing)} mm); check its header.")
    return out


def _of_all(chosen: Mapping[Sequence, Candidate]) -> list[str]:
    """What several sequences mostly share, in one sentence each."""
    grids = {sequence.display_name: c.grid for sequence, c in chosen.items() if c.grid is not None}
    thick = {title: f"{grid.spacing.max():.1f} mm" for title, grid in grids.items() if grid.spacing.max() >= THICK_MM}
    oblique = {title: f"{grid.obliquity:.0f} degrees" for title, grid in grids.items() if grid.obliquity > OBLIQUE_DEGREES}
    out = []
    if thick:
        out.append(f"Thick slices: {_listed(thick)}. Small lesions and volumes are less certain.")
    if oblique:
        out.append(f"Oblique planes: {_listed(oblique)}. This is honoured.")
    return out


def _listed(values: Mapping[str, str]) -> str:
    """`T1 and T2 5.5 mm, FLAIR 3.0 mm`: titles with the same value together."""
    titles: dict[str, list[str]] = {}
    for title, value in values.items():
        titles.setdefault(value, []).append(title)
    return "; ".join(f"{', '.join(names)} {value}" for value, names in titles.items())


def _gap(title: str, candidate: Candidate) -> list[str]:
    """A gap between slices by design: their distance exceeds their thickness."""
    thickness, between = candidate.attributes.get("SliceThickness"), candidate.attributes.get("SpacingBetweenSlices")
    if isinstance(thickness, int | float) and isinstance(between, int | float) and thickness > 0 and between > 1.25 * thickness:
        return [f"{title} has gaps of {between - thickness:.1f} mm between slices of {thickness:.1f} mm."]
    return []


def remarks(
    chosen: Mapping[Sequence, Candidate], missing: Iterable[Sequence], everything: Iterable[Candidate], prepared: bool
) -> tuple[str, ...]:
    """One sentence for each thing to know before the exam is processed."""
    out = _of_all(chosen)
    for sequence, candidate in chosen.items():
        if candidate.grid is not None:
            out += _of_grid(sequence.display_name, candidate.grid, prepared) + _gap(sequence.display_name, candidate)
        if candidate.confidence < 0.75:
            out.append(f"{candidate.name} was taken for {sequence.display_name} by {candidate.reason}; check it.")
    grids = [c.grid for c in chosen.values() if c.grid is not None]
    if grids and not prepared and not all(grid.same_as(grids[0], 0.01) for grid in grids):
        out.append("The sequences lie on different grids; they will be registered to each other.")
    out += [f"{sequence.display_name} is missing: {_COST[sequence]}." for sequence in missing]
    everything = list(everything)
    for candidate in everything:
        if candidate.fault is not None:
            out.append(f"Not used: {candidate.fault}")
    damaged = sum(c.set_aside == "damaged or truncated DICOM file" for c in everything)
    if damaged:
        out.append(f"{damaged} DICOM file{'s are' if damaged > 1 else ' is'} damaged or truncated and not used.")
    unknown = [c for c in everything if c.sequence is None and not c.set_aside and not c.fault]
    out += [f"{c.name} could not be told: {c.reason}." for c in unknown]
    out += [f"{c.name} is not used: {c.reason}." for c in everything if c.sequence and c.confidence < 0.5 and not c.set_aside]
    return tuple(dict.fromkeys(out))
