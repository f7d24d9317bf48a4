"""How much of a tumour surgeons have taken out elsewhere: expected residual volume and resectability."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Volume
from glioscope.measurement.atlas_maps import values_at

__all__ = ["RESECTABILITY_RULE", "Resectability", "resectability"]

RESECTABILITY_RULE = (
    "the resection probability of a place is the share of patients with a glioblastoma there, on that side of the brain, in"
    " whom it was removed (maps of Müller et al., J Neurosurg 2021;134:1091, as Raidionics uses them: Kommers et al., "
    "Cancers 2021;13:2854). Expected residual volume: the region's volume times the mean of 1 - probability over its "
    "voxels; resectability index: the mean probability. A place without a record counts as never resected. It describes the"
    " surgeons of that cohort and is no advice for this patient."
)


@dataclass(frozen=True)
class Resectability:
    """Of one region.

    Attributes:
        side: Whose map was used: that of the side which holds more of the region.
        index: Mean resection probability, in [0, 1].
        expected_residual_ml: Volume times the mean of 1 - probability.
        without_record_percent: Share of the region where the map holds no probability.
    """

    side: str
    index: float
    expected_residual_ml: float
    without_record_percent: float

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "map": self.side,
            "resectability_index": round(self.index, 3),
            "expected_residual_ml": round(self.expected_residual_ml, 3),
            "without_record_percent": round(self.without_record_percent, 1),
        }


def resectability(points: NDArray[np.float64], voxel_ml: float, side: str, maps: Mapping[str, Volume]) -> Resectability | None:
    """Expected residual volume and resectability of a region; None for an empty one.

    Args:
        points: MNI152 world points of its voxels, (n, 3).
        voxel_ml: Volume of a voxel in the patient, not in the atlas.
        side: `left` or `right`.
        maps: Side -> resection probability in [0, 1].
    """
    if not len(points) or side not in maps:
        return None
    found = np.nan_to_num(values_at(maps[side], points).astype(np.float64))
    index = float(found.mean())
    return Resectability(side, index, len(points) * voxel_ml * (1 - index), 100 * float((found == 0).mean()))
