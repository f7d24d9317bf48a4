"""Lesion by lesion: found, missed, false, and how well found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from glioscope.evaluation.matching import Match
from glioscope.evaluation.metrics import Overlap
from glioscope.evaluation.scores import LesionScores
from glioscope.evaluation.surface_pair import Gap, SurfacePair

__all__ = ["TOLERANCES", "Surfaces", "lesion_means", "score_lesions"]

TOLERANCES = (0.5, 1.0)


@dataclass(frozen=True)
class Surfaces:
    """What distances are measured on.

    Attributes:
        elements: Surface elements.
        borders: Border voxels, where NSD is taken on them; else None.
        penalty: What an infinite HD95 becomes (mm).
        nsd: Whether NSD is wanted.
    """

    elements: SurfacePair
    borders: SurfacePair | None
    penalty: float
    nsd: bool

    def whole(self, hd95: float | None = None) -> dict[str, float]:
        """`hd95`, where it is not measured otherwise, and `nsd_*` of everything."""
        return self._scores(self.elements.whole, self.borders.whole if self.borders else None, hd95)

    def lesion(self, reference: Sequence[int], prediction: Sequence[int]) -> dict[str, float]:
        """`hd95` and `nsd_*` of some lesions."""
        border = self.borders.lesion(reference, prediction) if self.borders else None
        return self._scores(self.elements.lesion(reference, prediction), border)

    def _scores(self, gap: Gap, border: Gap | None, hd95: float | None = None) -> dict[str, float]:
        hd95 = gap.hd95 if hd95 is None else hd95
        scores = {"hd95": hd95 if np.isfinite(hd95) else self.penalty}
        for tolerance in TOLERANCES if self.nsd else ():
            scores[f"nsd_{tolerance}"] = gap.nsd(tolerance) if border is None else border.averaged_nsd(tolerance)
        return scores

    def nothing(self) -> dict[str, float]:
        """The scores of a lesion without a counterpart."""
        return {"hd95": self.penalty, **({f"nsd_{tolerance}": 0.0 for tolerance in TOLERANCES} if self.nsd else {})}


def score_lesions(
    match: Match, surfaces: Surfaces, voxel_mm3: float, smallest: float, *, counts_false_positives: bool
) -> list[LesionScores]:
    """One row a lesion: those of the reference, then the false ones, each in order of their numbers."""
    mine, theirs = match.reference.sizes(), match.prediction.sizes()
    rows = []
    for number, partners in match.partners.items():
        volume = float(mine[number] * voxel_mm3)
        predicted = int(sum(theirs[other] for other in partners))
        both = sum(match.shared.get((number, other), 0) for other in partners)
        found = surfaces.lesion([number], partners) if partners else surfaces.nothing()
        scores = {"dice": Overlap(both, predicted, int(mine[number])).dice, **found}
        rows.append(LesionScores("tp" if partners else "fn", volume, predicted * voxel_mm3, scores, volume > smallest))
    for number in match.strays:
        scores = {"dice": 0.0, **surfaces.nothing()}
        rows.append(LesionScores("fp", 0.0, float(theirs[number] * voxel_mm3), scores, counts_false_positives))
    return rows


def lesion_means(rows: Sequence[LesionScores]) -> dict[str, float]:
    """`lesion_*`: means over all rows that count; perfect where none does."""
    counted = [row.scores for row in rows if row.counted]
    if not counted:
        names: Mapping[str, float] = {"dice": 1.0, "hd95": 0.0, **{f"nsd_{t}": 1.0 for t in TOLERANCES}}
        return {f"lesion_{name}": value for name, value in names.items()}
    return {f"lesion_{name}": sum(scores[name] for scores in counted) / len(counted) for name in counted[0]}
