"""Everything that is measured of a label map: volumes, extent, diameters, lesions, foci, RANO."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Grid, Scheme, Volume, region_mask
from glioscope.core.boxes import box_of
from glioscope.measurement.diameters import AxialDiameters
from glioscope.measurement.foci import Foci, find_foci
from glioscope.measurement.intervals import INTERVAL_RULE, LEAST_LIKELY, VolumeEvidence, told_of
from glioscope.measurement.lesion_measurements import LesionMeasurements, measure_lesions
from glioscope.measurement.lesions import MIN_LESION_MM3, separate_lesions
from glioscope.measurement.rano import RANO_EDITION, RANO_RULES, RanoDisease, rano_disease, slice_distance
from glioscope.measurement.surroundings import Neighbourhood

__all__ = ["DEFINITIONS", "Measurements", "RegionMeasurements", "measure"]

ENHANCING = ("ET", "RT")
T2_FLAIR = "WT"

DEFINITIONS: Mapping[str, str] = {
    "Volume": "number of voxels times the volume of a voxel, the determinant of the affine.",
    "Extent": "edges of the box around the whole region along the patient axes (left-right, back-front, foot-head), outer "
    "faces of the voxels included.",
    "3-D diameter": "maximum Feret diameter: the longest distance between two points of the region's largest lesion.",
    "Axial diameters": "in the axial slice, as acquired, in which the region's largest lesion has its largest area: the "
    "longest distance between two points of its outline, and the longest on a line perpendicular to that.",
    "Volume interval": INTERVAL_RULE,
    "Satellite distance": "from the largest focus to another one, between the faces of their nearest voxels.",
    "Midline crossing": f"a lesion crosses it where at least {MIN_LESION_MM3:g} mm3 of it lie on the other side.",
    "Depth": "from the lesion's centre of mass to the nearest voxel of the brain's surface (its mask, holes filled).",
    "Distance to the ventricles": "from the lesion's nearest voxel to the nearest voxel of the atlas's ventricles laid over "
    "the patient, which a mass displaces; 0 where the lesion reaches into them.",
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
        interval_ml: Interval of the volume, where voxels have probabilities.
    """

    volume_ml: float
    lesion_count: int = 0
    largest_lesion_ml: float = 0.0
    extent_mm: tuple[float, float, float] | None = None
    box_mm: tuple[tuple[float, float, float], tuple[float, float, float]] | None = None
    centre_mm: tuple[float, float, float] | None = None
    feret_mm: float | None = None
    axial: AxialDiameters | None = None
    interval_ml: tuple[float, float] | None = None

    def document(self) -> dict[str, Any]:
        """JSON-ready values, mm to a tenth and ml to a thousandth."""
        axial = self.axial
        return {
            "volume_ml": round(self.volume_ml, 3),
            "volume_interval_ml": _interval(self.interval_ml),
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
        lesions: Region name -> its lesions, the largest first.
        foci: Of the tumour core, or of the whole tumour; None where neither is known.
        rano: `enhancing` and `t2_flair` -> their measurable disease, as far as the regions are known.
        labels_interval_ml: Label name -> interval of its volume, where it has one.
        intervals: How the intervals of volumes are made, and how often they should hold.
    """

    scheme: Scheme
    grid: Grid
    labels_ml: Mapping[str, float]
    regions: Mapping[str, RegionMeasurements]
    not_determined: tuple[str, ...]
    brain_ml: float | None
    lesions: Mapping[str, tuple[LesionMeasurements, ...]] = field(default_factory=dict)
    foci: Foci | None = None
    rano: Mapping[str, RanoDisease] = field(default_factory=dict)
    labels_interval_ml: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    intervals: Mapping[str, Any] = field(default_factory=lambda: told_of(None))

    def document(self) -> dict[str, Any]:
        """JSON-ready values with the units in the names."""
        return {
            "scheme": self.scheme.name,
            "voxel_spacing_mm": [round(float(s), 4) for s in self.grid.spacing],
            "voxel_volume_mm3": round(self.grid.voxel_volume, 5),
            "brain_volume_ml": _rounded(self.brain_ml),
            "labels": {
                label.name: {
                    "value": value,
                    "meaning": label.meaning,
                    "volume_ml": round(self.labels_ml[label.name], 3),
                    "volume_interval_ml": _interval(self.labels_interval_ml.get(label.name)),
                }
                for value, label in self.scheme.labels.items()
                if label.name in self.labels_ml
            },
            "regions": {name: region.document() for name, region in self.regions.items()},
            "not_determined": list(self.not_determined),
            "volume_intervals": dict(self.intervals),
            "lesions": {name: [lesion.document() for lesion in lesions] for name, lesions in self.lesions.items()},
            "foci": self.foci.document() if self.foci else None,
            "rano": {
                "edition": RANO_EDITION,
                "slice_distance_mm": round(slice_distance(self.grid), 2),
                **{kind: disease.document() for kind, disease in self.rano.items()},
                "rules": list(RANO_RULES),
            },
            "definitions": dict(DEFINITIONS),
        }


def _rounded(value: Any) -> Any:  # noqa: ANN401
    if value is None:
        return None
    return [round(float(v), 1) for v in value] if np.ndim(value) else round(float(value), 1)


def _interval(values: tuple[float, float] | None) -> list[float] | None:
    return None if values is None else [round(v, 3) for v in values]


def _measure_region(
    mask: NDArray[np.bool_], grid: Grid, lesions: tuple[LesionMeasurements, ...], interval: tuple[float, float] | None
) -> RegionMeasurements:
    """Measure a mask on (a crop of) a grid, the lengths by its largest lesion."""
    to_ml = grid.voxel_volume / 1000
    if not lesions:
        return RegionMeasurements(0.0, interval_ml=interval)
    points = grid.to_world(np.argwhere(mask))
    half = np.abs(grid.affine[:3, :3]).sum(axis=1) / 2
    lower, upper = points.min(axis=0) - half, points.max(axis=0) + half
    return RegionMeasurements(
        volume_ml=float(mask.sum() * to_ml),
        lesion_count=len(lesions),
        largest_lesion_ml=lesions[0].volume_ml,
        extent_mm=_triple(upper - lower),
        box_mm=(_triple(lower), _triple(upper)),
        centre_mm=_triple(points.mean(axis=0)),
        feret_mm=lesions[0].feret_mm,
        axial=lesions[0].axial,
        interval_ml=interval,
    )


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in values)
    return x, y, z


def _cropped(labels: Volume, evidence: VolumeEvidence | None) -> tuple[Volume, VolumeEvidence | None, tuple[int, int, int]]:
    """The part of a label map that is not background or may not be, the evidence there, and where the part starts."""
    possible = labels.data > 0
    for probability in evidence.regions.values() if evidence else ():
        possible = possible | (probability >= LEAST_LIKELY)
    if not possible.any():
        possible[0, 0, 0] = True
    box = box_of(possible)
    x, y, z = (int(s.start) for s in box)
    part = Volume(labels.data[box], labels.grid.cropped((x, y, z), [s.stop for s in box]))
    if evidence is not None:
        regions, names = ({k: v[box] for k, v in m.items()} for m in (evidence.regions, evidence.labels))
        evidence = replace(evidence, regions=regions, labels=names)
    return part, evidence, (x, y, z)


def _foci(lesions: Mapping[str, tuple[LesionMeasurements, ...]], whole: NDArray[np.int32], grid: Grid) -> Foci | None:
    """The foci of the tumour; `whole` numbers the lesions of the whole tumour on `grid`."""
    name = next((n for n in ("TC", "WT", "RT", "GTV") if n in lesions), None)
    if name is None:
        return None
    wholes = [int(whole[tuple(np.rint(grid.to_index(lesion.points[0])).astype(int))]) for lesion in lesions[name]]
    return find_foci(name, [lesion.points for lesion in lesions[name]], wholes, grid.affine[:3, :3])


def _rano(lesions: Mapping[str, tuple[LesionMeasurements, ...]], grid: Grid) -> dict[str, RanoDisease]:
    enhancing = next((name for name in ENHANCING if name in lesions), None)
    kinds = {"enhancing": enhancing, "t2_flair": T2_FLAIR if T2_FLAIR in lesions else None}
    return {
        kind: rano_disease(name, [(x.number, x.axial, x.slices, x.beside_cavity) for x in lesions[name]], slice_distance(grid))
        for kind, name in kinds.items()
        if name is not None
    }


def measure(
    labels: Volume,
    scheme: Scheme,
    brain: Volume | None = None,
    known: Collection[str] | None = None,
    *,
    evidence: VolumeEvidence | None = None,
    neighbourhood: Neighbourhood | None = None,
) -> Measurements:
    """Measure every label and region of a label map, and each lesion of them, on the grid it lies on.

    Args:
        labels: uint8 label map of `scheme`; any orientation, spacing and obliquity.
        scheme: What the numbers mean.
        brain: Brain mask, for the brain's volume; on any grid.
        known: Regions that the segmenter can find; all of the scheme where None.
        evidence: Voxel-wise probabilities on the label map's grid, for intervals of the volumes.
        neighbourhood: What there is to tell where a lesion lies.
    """
    part, evidence, start = _cropped(labels, evidence)
    unknown = tuple(name for name in scheme.regions if known is not None and name not in known)
    determined = {name: values for name, values in scheme.regions.items() if name not in unknown}
    lesions = {
        name: measure_lesions(name, part, scheme, determined, start=start, evidence=evidence, neighbourhood=neighbourhood)
        for name in determined
    }
    to_ml = labels.grid.voxel_volume / 1000
    region_intervals, label_intervals = evidence.intervals(to_ml, scheme) if evidence else ({}, {})

    def own(name: str) -> tuple[float, float] | None:
        return region_intervals.get(name, label_intervals.get(name))  # a region of one label has its name

    regions = {
        name: _measure_region(region_mask(part.data, scheme, name), part.grid, lesions[name], own(name)) for name in determined
    }
    tumour = T2_FLAIR if T2_FLAIR in scheme.regions else next(iter(scheme.regions))
    counts = np.bincount(part.data.ravel(), minlength=256)
    return Measurements(
        scheme,
        labels.grid,
        {label.name: float(counts[value] * to_ml) for value, label in scheme.labels.items() if not unknown},
        regions,
        unknown,
        float(np.count_nonzero(brain.data) * brain.grid.voxel_volume / 1000) if brain else None,
        lesions,
        _foci(lesions, separate_lesions(region_mask(part.data, scheme, tumour)), part.grid),
        _rano(lesions, labels.grid),
        {} if unknown else label_intervals,
        told_of(evidence),
    )
