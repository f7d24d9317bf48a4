"""All numbers of one region."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glioscope.evaluation.ball_distances import ball_hd95
from glioscope.evaluation.lesion_scores import TOLERANCES, Surfaces, lesion_means, score_lesions
from glioscope.evaluation.lesions import Lesions, border_voxels, numbered_surface, surface_elements
from glioscope.evaluation.matching import Match
from glioscope.evaluation.metrics import Overlap
from glioscope.evaluation.panoptic import panoptic_quality
from glioscope.evaluation.protocol import Protocol, RegionRules
from glioscope.evaluation.scores import LesionScores, RegionScores
from glioscope.evaluation.surface_pair import SurfacePair

__all__ = ["score_region"]

_PERFECT = {"hd95": 0.0, **{f"nsd_{tolerance}": 1.0 for tolerance in TOLERANCES}}


def score_region(
    prediction: Lesions,
    reference: Lesions,
    shape: Sequence[int],
    spacing: tuple[float, float, float],
    rules: RegionRules,
    protocol: Protocol,
) -> RegionScores:
    """Scores of one region.

    Args:
        prediction: Its lesions, in the same box as the reference's.
        reference: Its lesions.
        shape: Of the whole image, in voxels.
        spacing: Edge lengths of a voxel (mm).
        rules: The region's rules.
        protocol: Decides which numbers come out, and how.
    """
    voxel_mm3 = float(np.prod(spacing))
    match = Match(reference, prediction)
    surfaces = _surfaces(prediction, reference, spacing, protocol, protocol.penalty_mm(shape, spacing))
    rows = score_lesions(match, surfaces, voxel_mm3, rules.smallest, counts_false_positives=protocol.counts_false_positives)
    counts = _counts(match, numbered=protocol.numbered)
    whole = _PERFECT if counts.empty else _whole(prediction, reference, spacing, surfaces, numbered=protocol.numbered)
    image = int(np.prod(shape))
    values = {
        **lesion_means(rows),
        "dice": counts.dice,
        **whole,
        "jaccard": counts.jaccard,
        **(_numbered_rates(match, image) if protocol.numbered else _rates(counts, image, protocol)),
        **_tally(rows),
        **(panoptic_quality(prediction.parts, reference.parts) if protocol.complete else {}),
        **_volumes(counts, voxel_mm3),
    }
    kept = {name: value for name in protocol.definitions if (value := values.get(name)) is not None}
    return RegionScores(kept, tuple(rows))


def _surfaces(
    prediction: Lesions, reference: Lesions, spacing: tuple[float, float, float], protocol: Protocol, penalty: float
) -> Surfaces:
    keep_rest = not protocol.numbered
    elements = SurfacePair(
        surface_elements(reference, spacing, keep_rest=keep_rest),
        surface_elements(prediction, spacing, keep_rest=keep_rest),
        spacing,
    )
    borders = (
        SurfacePair(border_voxels(reference), border_voxels(prediction), spacing, limit=max(TOLERANCES))
        if protocol.voxel_nsd
        else None
    )
    return Surfaces(elements, borders, penalty, "nsd_0.5" in protocol.definitions)


def _whole(
    prediction: Lesions, reference: Lesions, spacing: tuple[float, float, float], surfaces: Surfaces, *, numbered: bool
) -> dict[str, float]:
    if numbered and max(prediction.count, reference.count) > 1:
        return surfaces.whole(ball_hd95(numbered_surface(reference, spacing), numbered_surface(prediction, spacing), spacing))
    return surfaces.whole()


def _counts(match: Match, *, numbered: bool) -> Overlap:
    """Of the whole region; where the maps are numbered without the parts left out."""
    if not numbered:
        return Overlap(sum(match.shared.values()), len(match.prediction.parts.voxels), len(match.reference.parts.voxels))
    both = sum(count for (mine, theirs), count in match.shared.items() if mine and theirs)
    return Overlap(both, int(match.prediction.sizes()[1:].sum()), int(match.reference.sizes()[1:].sum()))


def _rates(counts: Overlap, image: int, protocol: Protocol) -> dict[str, float | None]:
    rates = {
        "sensitivity": counts.sensitivity,
        "precision": counts.precision,
        "specificity": counts.specificity(image),
    }
    # The scripts add a tiny number to the divisor: what is not defined is 0.
    return rates if protocol.complete else {name: rate or 0.0 for name, rate in rates.items()}


def _numbered_rates(match: Match, image: int) -> dict[str, float]:
    """Sensitivity and specificity as they come out when lesion numbers are summed in place of voxels."""
    mine, theirs = match.reference.sizes(), match.prediction.sizes()
    sums = [int((sizes * np.arange(len(sizes)))[1:].sum()) for sizes in (mine, theirs)]
    ones = [int(sizes[1]) if len(sizes) > 1 else 0 for sizes in (mine, theirs)]
    both = match.shared.get((1, 1), 0)
    if not any(sums):
        return {"sensitivity": 1.0, "specificity": 1.0}
    false = sums[1] - both
    rest = image - (ones[0] + ones[1] - both)
    return {"sensitivity": both / sums[0] if sums[0] else 0.0, "specificity": rest / (rest + false) if rest + false else 0.0}


def _tally(rows: Sequence[LesionScores]) -> dict[str, float]:
    return {
        "tp": sum(row.kind == "tp" and row.counted for row in rows),
        "fp": sum(row.kind == "fp" for row in rows),
        "fn": sum(row.kind == "fn" and row.counted for row in rows),
    }


def _volumes(counts: Overlap, voxel_mm3: float) -> dict[str, float | None]:
    reference, predicted = counts.reference * voxel_mm3, counts.predicted * voxel_mm3
    return {
        "reference_volume_mm3": reference,
        "predicted_volume_mm3": predicted,
        "volume_error_mm3": predicted - reference,
        "volume_error_relative": (predicted - reference) / reference if reference else None,
    }
