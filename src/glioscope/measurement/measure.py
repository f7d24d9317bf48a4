"""Volumes, extent, diameters and lesions of a label map."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import Grid, Scheme, Volume, region_mask
from glioscope.measurement.diameters import AxialDiameters, axial_axis, axial_diameters, feret_diameter
from glioscope.measurement.lesions import MIN_LESION_MM3, separate_lesions

__all__ = ["DEFINITIONS", "Measurements", "RegionMeasurements", "measure"]

DEFINITIONS: Mapping[str, str] = {
    "Volume": "number of voxels times the volume of a voxel, the determinant of the affine.",
    "Extent": "edges of the box around the whole region along the patient axes (left-right, back-front, foot-head), outer "
    "faces of the voxels included.",
    "3-D diameter": "maximum Feret diameter: the longest distance between two points of the region's largest lesion.",
    "Axial diameters": "in the axial slice, as acquired, in which the region's largest lesion has its largest area: the "
    "longest distance between two points of its outline, and the longest on a line perpendicular to that.",
    "Lesions": f"pieces of the region connected by faces, edges or corners, of at least {MIN_LESION_MM3:g} mm3.",
    "Left and right": "the patient's. Images are shown in the radiological convention: the patient's right is on the left.",
}
"""What each measurement means, in sentences for the report."""


@dataclass(frozen=True)
class RegionMeasurements:
    """One region of a label map, in world units; the lengths are None where the region is empty.

    Attributes:
        volume_ml: Of the whole region.
        lesion_count: Lesions of at least MIN_LESION_MM3 (the largest always counts).
        largest_lesion_ml: Volume of the largest lesion.
        extent_mm: Box around the whole region along left-right, back-front and foot-head.
        box_mm: Its lower and its upper corner, RAS.
        centre_mm: Centre of mass of the whole region, RAS.
        feret_mm: Maximum 3-D Feret diameter of the largest lesion.
        axial: Diameters of the largest lesion in its largest axial slice.
    """

    volume_ml: float
    lesion_count: int = 0
    largest_lesion_ml: float = 0.0
    extent_mm: tuple[float, float, float] | None = None
    box_mm: tuple[tuple[float, float, float], tuple[float, float, float]] | None = None
    centre_mm: tuple[float, float, float] | None = None
    feret_mm: float | None = None
    axial: AxialDiameters | None = None

    def document(self) -> dict[str, Any]:
        """JSON-ready values, mm to a tenth and ml to a thousandth."""
        axial = self.axial
        return {
            "volume_ml": round(self.volume_ml, 3),
            "lesion_count": self.lesion_count,
            "largest_lesion_volume_ml": round(self.largest_lesion_ml, 3),
            "extent_mm": _rounded(self.extent_mm),
            "box_ras_mm": [_rounded(corner) for corner in self.box_mm] if self.box_mm else None,
            "centre_of_mass_ras_mm": _rounded(self.centre_mm),
            "feret_diameter_mm": _rounded(self.feret_mm),
            "axial_diameter_mm": _rounded(axial.longest_mm) if axial else None,
            "axial_perpendicular_diameter_mm": _rounded(axial.perpendicular_mm) if axial else None,
            "axial_area_mm2": _rounded(axial.area_mm2) if axial else None,
            "axial_slice_index": axial.slice_index if axial else None,
            "axial_slice_z_mm": _rounded(axial.height_mm) if axial else None,
        }


@dataclass(frozen=True)
class Measurements:
    """All measurements of one label map.

    Attributes:
        scheme: The label scheme.
        grid: Where it was measured.
        labels_ml: Label name -> volume in ml; empty where some region was not determined.
        regions: Region name -> its measurements, from the largest region to the smallest.
        not_determined: Regions of the scheme that the segmenter cannot find: unknown, not absent.
        brain_ml: Volume of the brain mask, where there is one.
    """

    scheme: Scheme
    grid: Grid
    labels_ml: Mapping[str, float]
    regions: Mapping[str, RegionMeasurements]
    not_determined: tuple[str, ...]
    brain_ml: float | None

    def document(self) -> dict[str, Any]:
        """JSON-ready values with the units in the names."""
        return {
            "scheme": self.scheme.name,
            "voxel_spacing_mm": [round(float(s), 4) for s in self.grid.spacing],
            "voxel_volume_mm3": round(self.grid.voxel_volume, 5),
            "brain_volume_ml": _rounded(self.brain_ml),
            "labels": {
                label.name: {"value": value, "meaning": label.meaning, "volume_ml": round(self.labels_ml[label.name], 3)}
                for value, label in self.scheme.labels.items()
                if label.name in self.labels_ml
            },
            "regions": {name: region.document() for name, region in self.regions.items()},
            "not_determined": list(self.not_determined),
            "definitions": dict(DEFINITIONS),
        }


def _rounded(value: Any) -> Any:  # noqa: ANN401
    if value is None:
        return None
    return [round(float(v), 1) for v in value] if np.ndim(value) else round(float(value), 1)


def _measure_region(mask: NDArray[np.bool_], grid: Grid) -> RegionMeasurements:
    """Measure a mask on (a crop of) a grid; indices in the result count from the crop's start."""
    if not mask.any():
        return RegionMeasurements(0.0)
    to_ml = grid.voxel_volume / 1000
    numbered = separate_lesions(mask)
    sizes = np.bincount(numbered.ravel())[1:]
    largest = numbered == 1
    points = grid.to_world(np.argwhere(mask))
    half = np.abs(grid.affine[:3, :3]).sum(axis=1) / 2
    lower, upper = points.min(axis=0) - half, points.max(axis=0) + half
    return RegionMeasurements(
        volume_ml=float(mask.sum() * to_ml),
        lesion_count=max(1, int((sizes * grid.voxel_volume >= MIN_LESION_MM3).sum())),
        largest_lesion_ml=float(sizes[0] * to_ml),
        extent_mm=_triple(upper - lower),
        box_mm=(_triple(lower), _triple(upper)),
        centre_mm=_triple(points.mean(axis=0)),
        feret_mm=feret_diameter(largest, grid),
        axial=axial_diameters(largest, grid),
    )


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in values)
    return x, y, z


def _cropped(labels: Volume) -> tuple[Volume, tuple[int, int, int]]:
    """The part of a label map that is not background, and where it starts."""
    found = ndimage.find_objects((labels.data > 0).astype(np.uint8))
    if not found:
        return Volume.of(labels.data[:1, :1, :1], labels.grid.affine), (0, 0, 0)
    start = found[0][0].start, found[0][1].start, found[0][2].start
    affine = labels.grid.affine.copy()
    affine[:3, 3] = labels.grid.to_world(start)
    return Volume.of(labels.data[found[0]], affine), start


def measure(labels: Volume, scheme: Scheme, brain: Volume | None = None, known: Collection[str] | None = None) -> Measurements:
    """Measure every label and region of a label map on the grid it lies on.

    Args:
        labels: uint8 label map of `scheme`; any orientation, spacing and obliquity.
        scheme: What the numbers mean.
        brain: Brain mask, for the brain's volume; on any grid.
        known: Regions that the segmenter can find; all of the scheme where None.
    """
    part, start = _cropped(labels)
    shift = start[axial_axis(labels.grid)]
    regions = {}
    unknown = tuple(name for name in scheme.regions if known is not None and name not in known)
    for name in (name for name in scheme.regions if name not in unknown):
        region = _measure_region(region_mask(part.data, scheme, name), part.grid)
        if region.axial:
            region = replace(region, axial=replace(region.axial, slice_index=region.axial.slice_index + shift))
        regions[name] = region
    counts = np.bincount(part.data.ravel(), minlength=256)
    to_ml = labels.grid.voxel_volume / 1000
    return Measurements(
        scheme,
        labels.grid,
        {label.name: float(counts[value] * to_ml) for value, label in scheme.labels.items() if not unknown},
        regions,
        unknown,
        float(np.count_nonzero(brain.data) * brain.grid.voxel_volume / 1000) if brain else None,
    )
