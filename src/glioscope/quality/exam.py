"""Remarks on the exam as it came."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from glioscope.core import Grid, Sequence
from glioscope.quality.remark import Remark, Severity

__all__ = ["THICK_SLICE_MM", "exam_remarks"]

THICK_SLICE_MM = 4.0
"""The consensus protocol for brain-tumour trials asks for slices of at most 4 mm in 2-D sequences (Ellingson et al. 2015,
doi:10.1093/neuonc/nov095)."""

_COST = {
    Sequence.T1C: (Severity.WARNING, "enhancing tumour cannot be told from the rest"),
    Sequence.T1N: (Severity.CAUTION, "enhancement cannot be told from blood and other native brightness"),
    Sequence.T2F: (Severity.CAUTION, "oedema and infiltration cannot be told from fluid"),
    Sequence.T2W: (Severity.INFO, "cysts and fluid are harder to recognise"),
}

_T1_ALONE = Severity.WARNING, "without T2 too, oedema and infiltration are hardly seen"
"""What a missing FLAIR costs an exam of T1 images alone: docs/default.md finds the whole tumour with a Dice of 0.4 at best."""


def exam_remarks(grids: Mapping[Sequence, Grid], regions: Collection[str]) -> list[Remark]:
    """What the exam lacks.

    Args:
        grids: Grid of every sequence as it came.
        regions: Regions that the segmenter has to tell apart; a missing T1c is a warning only where ET or TC is among
            them, a missing FLAIR where WT is and T2 is missing too.
    """
    out = []
    costs = dict(_COST)
    if "WT" in regions and Sequence.T2W not in grids:
        costs[Sequence.T2F] = _T1_ALONE
    for sequence, (severity, cost) in costs.items():
        if sequence in grids:
            continue
        moot = sequence is Sequence.T1C and not {"ET", "TC"} & set(regions)
        out.append(
            Remark(Severity.INFO if moot else severity, f"missing-{sequence}", f"{sequence.display_name} is missing: {cost}.")
        )
    thick = {s.display_name: float(g.spacing.max()) for s, g in grids.items() if g.spacing.max() > THICK_SLICE_MM}
    if thick:
        names = ", ".join(f"{name} ({mm:.1f} mm)" for name, mm in thick.items())
        sentence = f"Thick slices: {names}; more than {THICK_SLICE_MM:g} mm makes volumes of small parts and heights uncertain."
        out.append(Remark(Severity.CAUTION, "thick-slices", sentence))
    return out
