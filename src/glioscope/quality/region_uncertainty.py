"""How uncertain a region is as a whole."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["UNCERTAINTY_DEFINITIONS", "RegionUncertainty", "region_uncertainty"]

UNCERTAIN_BITS = 0.5
"""From this entropy a voxel counts as uncertain: its probability is between 0.11 and 0.89."""

UNCERTAINTY_DEFINITIONS = {
    "mean_entropy": "mean over the region (mean probability of at least 0.5) of the entropy of the mean probability, in bits: "
    "0 sure, 1 a toss-up",
    "mean_mutual_information": "mean over the region of the part of the entropy that comes from contradiction between members",
    "volume_ml": "volume where the mean probability is at least 0.5",
    "uncertain_ml": "volume, inside the region or not, where the entropy is at least 0.5 bit",
}


@dataclass(frozen=True)
class RegionUncertainty:
    """Summary of a region's entropy map; see UNCERTAINTY_DEFINITIONS. Means are None for an empty region."""

    members: int
    mean_entropy: float | None
    mean_mutual_information: float | None
    volume_ml: float
    uncertain_ml: float

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(self).items()}


def region_uncertainty(
    mean: NDArray[np.float32],
    entropy: NDArray[np.float32],
    mutual_information: NDArray[np.float32],
    voxel_mm3: float,
    members: int,
) -> RegionUncertainty:
    """Summarise the three maps of `ensemble_entropy`.

    Args:
        mean: Mean probability.
        entropy: Predictive entropy in bits.
        mutual_information: In bits.
        voxel_mm3: Volume of a voxel.
        members: How many maps went into the mean.
    """
    inside = mean >= 0.5
    voxels = int(inside.sum())
    return RegionUncertainty(
        members,
        float(entropy[inside].mean(dtype=np.float64)) if voxels else None,
        float(mutual_information[inside].mean(dtype=np.float64)) if voxels and members > 1 else None,
        voxels * voxel_mm3 / 1000,
        int((entropy >= UNCERTAIN_BITS).sum()) * voxel_mm3 / 1000,
    )
