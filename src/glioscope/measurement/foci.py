"""How many foci a tumour has, how far apart they are, and whether oedema joins them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

__all__ = ["FOCI_RULE", "Foci", "Multifocality", "find_foci", "gap_between"]

Multifocality = Literal["none", "single", "multifocal", "multicentric"]

FOCI_RULE = (
    "a focus is a lesion of the tumour core (of the whole tumour where the core is not known). Several foci within one lesion "
    "of the whole tumour are multifocal, foci in different ones multicentric (Batzdorf and Malamud, J Neurosurg 1963;20:122: "
    "joined by tumour tissue or not; here told by the FLAIR abnormality that a label map has)."
)


@dataclass(frozen=True)
class Foci:
    """Foci of a tumour.

    Attributes:
        region: Whose lesions the foci are.
        count: How many.
        multifocality: `none` without tumour, `single`, `multifocal` or `multicentric`.
        gaps_mm: From the largest focus to each other one, from face to face; in the lesions' order.
    """

    region: str
    count: int
    multifocality: Multifocality
    gaps_mm: tuple[float, ...] = ()

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "region": self.region,
            "count": self.count,
            "multifocality": self.multifocality,
            "satellite_distances_mm": [round(gap, 1) for gap in self.gaps_mm],
            "nearest_satellite_mm": round(min(self.gaps_mm), 1) if self.gaps_mm else None,
            "farthest_satellite_mm": round(max(self.gaps_mm), 1) if self.gaps_mm else None,
            "rule": FOCI_RULE,
        }


def gap_between(first: NDArray[np.float64], second: NDArray[np.float64], matrix: NDArray[np.float64]) -> float:
    """The shortest way in mm from one set of voxels to another, from face to face.

    Args:
        first, second: World points of the voxels' centres, (n, 3) and (m, 3).
        matrix: 3x3, the voxel's edges as columns; its width along the way is taken off the distance of the centres.
    """
    distances, nearest = KDTree(first).query(second)
    closest = int(distances.argmin())
    if distances[closest] == 0:
        return 0.0
    way = (second[closest] - first[nearest[closest]]) / distances[closest]
    return max(0.0, float(distances[closest] - np.linalg.norm(matrix.T @ way)))


def find_foci(region: str, foci: Sequence[NDArray[np.float64]], wholes: Sequence[int], matrix: NDArray[np.float64]) -> Foci:
    """Count foci and tell how they lie to each other.

    Args:
        region: Whose lesions they are.
        foci: World points of the voxels of each, the largest first.
        wholes: The lesion of the whole tumour that each lies in.
        matrix: 3x3, the voxel's edges as columns.
    """
    kind: Multifocality = "none" if not foci else "single"
    if len(foci) > 1:
        kind = "multifocal" if len(set(wholes)) == 1 else "multicentric"
    return Foci(region, len(foci), kind, tuple(gap_between(foci[0], other, matrix) for other in foci[1:]))
