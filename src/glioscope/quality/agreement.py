"""How far several segmentations of one exam agree, with no calibration needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.quality.remark import Remark, Severity

__all__ = ["AGREEMENT_CAUTION", "AGREEMENT_DEFINITIONS", "RegionAgreement", "agreement_remarks", "rater_agreement"]

AGREEMENT_CAUTION = 0.7
"""Experts agree on the regions of glioma by a Dice of 0.74 to 0.85 (Menze et al. 2015, doi:10.1109/TMI.2014.2377694)."""

AGREEMENT_DEFINITIONS = {
    "volumes_ml": "volume of the region by each rater",
    "mean_dice": "mean over the pairs of raters of 2|A∩B| / (|A|+|B|); 1 for a pair of empty masks",
    "lowest_dice": "the lowest of these",
    "all_agree": "volume that all raters mark, as a share of the volume that any of them marks; 1 where none marks any",
}


@dataclass(frozen=True)
class RegionAgreement:
    """One region; see AGREEMENT_DEFINITIONS."""

    volumes_ml: Mapping[str, float]
    mean_dice: float
    lowest_dice: float
    lowest_pair: tuple[str, str]
    all_agree: float

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "volumes_ml": {name: round(value, 3) for name, value in self.volumes_ml.items()},
            "mean_dice": round(self.mean_dice, 4),
            "lowest_dice": round(self.lowest_dice, 4),
            "lowest_pair": list(self.lowest_pair),
            "all_agree": round(self.all_agree, 4),
        }


def rater_agreement(masks: Mapping[str, NDArray[np.bool_]], voxel_mm3: float) -> RegionAgreement:
    """Agreement of at least two raters on one region.

    Args:
        masks: Rater -> boolean mask, all of one shape.
        voxel_mm3: Volume of a voxel.
    """
    names = sorted(masks)
    voxels = {name: int(np.count_nonzero(masks[name])) for name in names}
    pairs = {}
    for a, b in combinations(names, 2):
        total = voxels[a] + voxels[b]
        pairs[a, b] = 2 * int(np.count_nonzero(masks[a] & masks[b])) / total if total else 1.0
    lowest = min(pairs, key=lambda pair: pairs[pair])
    stack = [masks[name] for name in names]
    union = int(np.count_nonzero(np.logical_or.reduce(stack)))
    common = int(np.count_nonzero(np.logical_and.reduce(stack)))
    return RegionAgreement(
        {name: voxels[name] * voxel_mm3 / 1000 for name in names},
        sum(pairs.values()) / len(pairs),
        pairs[lowest],
        lowest,
        common / union if union else 1.0,
    )


def agreement_remarks(dice: Mapping[str, float]) -> list[Remark]:
    """A caution where segmenters agree on regions less than experts do.

    Args:
        dice: Region -> mean Dice over the pairs of raters.
    """
    low = {name: value for name, value in dice.items() if value < AGREEMENT_CAUTION}
    if not low:
        return []
    told = ", ".join(f"{name} {value:.2f}" for name, value in low.items())
    sentence = f"The segmenters agree less than experts do (Dice between them: {told}; experts 0.74 to 0.85)."
    return [Remark(Severity.CAUTION, "raters-disagree", sentence)]
