"""Overlap of a tumour with named tracts and cortical regions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Volume
from glioscope.measurement.atlas_maps import values_at

__all__ = ["TRACT_FROM", "Overlap", "label_overlaps", "tract_overlaps"]

TRACT_FROM = 0.5
"""Where a tract is a probability (the share of subjects who have it there), it lies from this value on."""

_LEAST_PERCENT = 0.1


@dataclass(frozen=True)
class Overlap:
    """What of a region lies in one structure: ml, and percent of the region."""

    name: str
    volume_ml: float
    percent: float

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {"name": self.name, "volume_ml": round(self.volume_ml, 3), "percent": round(self.percent, 1)}


def _sorted(found: Iterable[tuple[str, int]], total: int, voxel_ml: float) -> list[Overlap]:
    overlaps = [Overlap(name, count * voxel_ml, 100 * count / total) for name, count in found if count]
    return sorted((o for o in overlaps if o.percent >= _LEAST_PERCENT), key=lambda o: (-o.percent, o.name))


def tract_overlaps(
    points: Mapping[str, NDArray[np.float64]], voxel_ml: float, tracts: Iterable[tuple[str, Volume]]
) -> dict[str, list[Overlap]]:
    """Region -> its overlaps with tracts, the largest first. Tracts cross each other, so that the sum may exceed 100 %.

    Args:
        points: Region -> MNI152 world points of its voxels, (n, 3).
        voxel_ml: Volume of a voxel in the patient.
        tracts: Name and probability map (or mask) of each; taken one at a time, as there are many.
    """
    counts: dict[str, list[tuple[str, int]]] = {region: [] for region, where in points.items() if len(where)}
    for name, tract in tracts:
        for region, found in counts.items():
            found.append((name, int((values_at(tract, points[region]) >= TRACT_FROM).sum())))
    return {region: _sorted(found, len(points[region]), voxel_ml) for region, found in counts.items()}


def label_overlaps(points: NDArray[np.float64], voxel_ml: float, parcels: Volume, names: Mapping[int, str]) -> list[Overlap]:
    """Overlaps of a region with the parcels of a label map, the largest first; what no parcel covers is left out.

    Args:
        points: World points of the region's voxels in the map's space, (n, 3).
        voxel_ml: Volume of a voxel in the patient.
        parcels: Label map.
        names: Value -> name.
    """
    values, counts = np.unique(values_at(parcels, points), return_counts=True)
    found = [(names[int(v)], int(n)) for v, n in zip(values, counts, strict=True) if int(v) in names]
    return _sorted(found, max(1, len(points)), voxel_ml)
