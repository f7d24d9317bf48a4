"""The measurements of each lesion of a region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import Scheme, Volume, region_mask
from glioscope.measurement.diameters import AxialDiameters, axial_axis, axial_diameters, feret_diameter
from glioscope.measurement.intervals import VolumeEvidence, lesion_intervals
from glioscope.measurement.lesions import MIN_LESION_MM3, separate_lesions
from glioscope.measurement.surroundings import Neighbourhood, Surroundings
from glioscope.measurement.widening import Interval

__all__ = ["LesionMeasurements", "measure_lesions"]


@dataclass(frozen=True, eq=False)
class LesionMeasurements:
    """One lesion of a region.

    Attributes:
        number: From 1, the largest first.
        volume_ml: Of it.
        labels_ml: Label name -> what the lesion holds of it.
        regions_ml: Region name -> the same.
        centre_mm: Centre of mass, RAS.
        feret_mm: Maximum 3-D Feret diameter.
        axial: Diameters in the axial slice in which it is largest; the index counts on the whole grid.
        slices: Axial slices that it is seen on.
        beside_cavity: Whether it touches the resection cavity of the label map.
        points: World points of its voxels, (n, 3).
        interval_ml: Interval of the volume, where voxels have probabilities.
        place: What lies around it.
    """

    number: int
    volume_ml: float
    labels_ml: Mapping[str, float]
    regions_ml: Mapping[str, float]
    centre_mm: tuple[float, float, float]
    feret_mm: float
    axial: AxialDiameters
    slices: int
    beside_cavity: bool
    points: NDArray[np.float64] = field(repr=False)
    interval_ml: Interval | None = None
    place: Surroundings | None = None

    def document(self) -> dict[str, Any]:
        """JSON-ready values, mm to a tenth and ml to a thousandth."""
        return {
            "number": self.number,
            "volume_ml": round(self.volume_ml, 3),
            "volume_interval_ml": [round(v, 3) for v in self.interval_ml] if self.interval_ml else None,
            "labels_ml": {name: round(v, 3) for name, v in self.labels_ml.items()},
            "regions_ml": {name: round(v, 3) for name, v in self.regions_ml.items()},
            "centre_of_mass_ras_mm": [round(v, 1) for v in self.centre_mm],
            "feret_diameter_mm": round(self.feret_mm, 1),
            "axial_diameter_mm": round(self.axial.longest_mm, 1),
            "axial_perpendicular_diameter_mm": round(self.axial.perpendicular_mm, 1),
            "axial_product_mm2": round(self.axial.longest_mm * self.axial.perpendicular_mm, 1),
            "axial_slice_index": self.axial.slice_index,
            "axial_slices": self.slices,
            "beside_cavity": self.beside_cavity,
            "location": self.place.document() if self.place else None,
        }


def measure_lesions(
    region: str,
    labels: Volume,
    scheme: Scheme,
    known: Mapping[str, tuple[int, ...]],
    *,
    start: tuple[int, int, int] = (0, 0, 0),
    evidence: VolumeEvidence | None = None,
    neighbourhood: Neighbourhood | None = None,
) -> tuple[LesionMeasurements, ...]:
    """Measure every lesion of a region: pieces of at least MIN_LESION_MM3, and the largest whatever its size.

    Args:
        region: Of the scheme.
        labels: Label map, or the part of one that holds the tumour.
        scheme: What its numbers mean.
        known: Regions of the scheme that were determined -> their label values.
        start: Where the part starts on the whole grid.
        evidence: Probabilities on the part's grid.
        neighbourhood: What there is to tell where a lesion lies.
    """
    grid, voxel_ml = labels.grid, labels.grid.voxel_volume / 1000
    numbered = separate_lesions(region_mask(labels.data, scheme, region))
    sizes = np.bincount(numbered.ravel())[1:]
    count = max(min(1, len(sizes)), int((sizes * grid.voxel_volume >= MIN_LESION_MM3).sum()))
    intervals: list[Interval | None] = [None] * count
    if evidence is not None and region in evidence.regions:
        found_intervals = lesion_intervals(numbered, count, evidence.regions[region], voxel_ml, grid.spacing)
        intervals = [evidence.widened(region, interval) for interval in found_intervals]
    cavity = region_mask(labels.data, scheme, "RC") if "RC" in scheme.regions else None
    axis = axial_axis(grid)
    found = []
    for number, box in enumerate(ndimage.find_objects(numbered)[:count], start=1):
        room = tuple(slice(max(0, s.start - 1), s.stop + 1) for s in box)  # a voxel more, to see what it touches
        lower = np.array([s.start for s in room])
        mask, values = numbered[room] == number, labels.data[room]
        part = grid.cropped(lower, lower + mask.shape)
        axial = axial_diameters(mask, part)
        assert axial is not None
        points = part.to_world(np.argwhere(mask))
        held = np.bincount(values[mask], minlength=256)
        x, y, z = (float(v) for v in points.mean(axis=0))
        found.append(
            LesionMeasurements(
                number,
                float(mask.sum() * voxel_ml),
                {label.name: float(held[v] * voxel_ml) for v, label in scheme.labels.items() if held[v]},
                {name: float(held[list(v)].sum() * voxel_ml) for name, v in known.items() if held[list(v)].any()},
                (x, y, z),
                feret_diameter(mask, part),
                replace(axial, slice_index=axial.slice_index + int(lower[axis] + start[axis])),
                int(mask.any(axis=tuple({0, 1, 2} - {axis})).sum()),
                cavity is not None and bool((ndimage.binary_dilation(mask, np.ones((3, 3, 3))) & cavity[room]).any()),
                points,
                intervals[number - 1],
                neighbourhood.around(points, voxel_ml) if neighbourhood else None,
            )
        )
    return tuple(found)
