"""Measurable lesions and the sum of products of their diameters, by RANO 2.0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glioscope.core import Grid
from glioscope.measurement.diameters import AxialDiameters, axial_axis

__all__ = ["RANO_EDITION", "RANO_RULES", "RanoDisease", "RanoLesion", "rano_disease", "slice_distance"]

RANO_EDITION = "RANO 2.0 (Wen et al., J Clin Oncol 2023;41:5187-5199, doi:10.1200/JCO.23.01059)"

MEASURABLE_MM = 10.0
THICK_MM = 5.0

RANO_RULES = (
    "measurable is a lesion whose longest axial diameter and longest perpendicular are both at least 10 mm (twice the "
    "distance of slices where that is more than 5 mm) and that is seen on two axial slices or more",
    "the product of the two diameters is summed over all measurable lesions; the few target lesions of a trial are for its "
    "reader to choose",
    "enhancing disease is measured on the enhancing tumour, non-enhancing disease on the whole T2/FLAIR abnormality, in which "
    "a label map does not tell infiltrating tumour from oedema",
    "of a lesion beside a cyst or a resection cavity a reader measures the solid nodule alone, if it is at least 10 x 10 mm: "
    "such lesions are marked",
)


@dataclass(frozen=True)
class RanoLesion:
    """One lesion as RANO sees it; `why_not` says in a few words why it is not measurable, and is empty where it is."""

    number: int
    longest_mm: float
    perpendicular_mm: float
    slices: int
    why_not: str = ""
    beside_cavity: bool = False

    @property
    def product_mm2(self) -> float:
        """Longest diameter times longest perpendicular."""
        return self.longest_mm * self.perpendicular_mm

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "lesion": self.number,
            "longest_mm": round(self.longest_mm, 1),
            "perpendicular_mm": round(self.perpendicular_mm, 1),
            "product_mm2": round(self.product_mm2, 1),
            "slices": self.slices,
            "measurable": not self.why_not,
            "why_not": self.why_not,
            "beside_cavity": self.beside_cavity,
        }


@dataclass(frozen=True)
class RanoDisease:
    """Enhancing or non-enhancing disease: its lesions, the largest first, and where they were measured."""

    region: str
    lesions: tuple[RanoLesion, ...]

    @property
    def measurable(self) -> tuple[RanoLesion, ...]:
        """The lesions that count."""
        return tuple(lesion for lesion in self.lesions if not lesion.why_not)

    @property
    def sum_mm2(self) -> float:
        """Sum of the products over measurable lesions."""
        return sum(lesion.product_mm2 for lesion in self.measurable)

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "region": self.region,
            "measurable_count": len(self.measurable),
            "sum_of_products_mm2": round(self.sum_mm2, 1),
            "lesions": [lesion.document() for lesion in self.lesions],
        }


def slice_distance(grid: Grid) -> float:
    """Distance in mm between the planes of neighbouring axial slices (those of `axial_diameters`)."""
    a, b = (grid.affine[:3, axis] for axis in range(3) if axis != axial_axis(grid))
    return grid.voxel_volume / float(np.linalg.norm(np.cross(a, b)))


def rano_disease(region: str, lesions: Sequence[tuple[int, AxialDiameters, int, bool]], slice_mm: float) -> RanoDisease:
    """Judge the lesions of a region.

    Args:
        region: Such as ET.
        lesions: Number, diameters, count of axial slices it is seen on, whether it touches a resection cavity.
        slice_mm: Distance between slices.
    """
    least = MEASURABLE_MM if slice_mm <= THICK_MM else 2 * slice_mm
    judged = []
    for number, axial, slices, beside_cavity in lesions:
        shorter = min(axial.longest_mm, axial.perpendicular_mm)
        why_not = f"a diameter below {least:.3g} mm" if shorter < least else "seen on one slice only" if slices < 2 else ""
        judged.append(RanoLesion(number, axial.longest_mm, axial.perpendicular_mm, slices, why_not, beside_cavity))
    return RanoDisease(region, tuple(judged))
