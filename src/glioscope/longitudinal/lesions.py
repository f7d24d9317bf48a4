"""The lesions of one time point, each measured where it was segmented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Volume
from glioscope.core.boxes import box_of
from glioscope.measurement import AxialDiameters, axial_diameters, feret_diameter, separate_lesions
from glioscope.measurement.diameters import axial_axis
from glioscope.measurement.lesions import MIN_LESION_MM3

__all__ = ["MEASURABLE_MM", "MEASURABLE_SLICES", "THICK_SLICE_MM", "Lesion", "LesionMap", "find_lesions"]

MEASURABLE_MM = 10.0
"""Least length of both diameters of a measurable lesion (RANO 2.0, measurable disease)."""

MEASURABLE_SLICES = 2
"""Axial slices that a measurable lesion is seen on, at least."""

THICK_SLICE_MM = 5.0
"""On slices thicker than this both diameters have to be twice the thickness."""


@dataclass(frozen=True)
class Lesion:
    """One piece of a region at one time.

    Attributes:
        volume_ml: Its volume on the grid it was segmented on.
        axial: Longest diameter and longest perpendicular in the axial slice in which it is largest.
        feret_mm: Longest distance between two of its points.
        centre_mm: Centre of mass, world mm (RAS) of its own exam.
        slices: Axial slices that it is seen on.
        measurable: Whether it is measurable by RANO 2.0, see `find_lesions`.
    """

    volume_ml: float
    axial: AxialDiameters
    feret_mm: float
    centre_mm: tuple[float, float, float]
    slices: int
    measurable: bool

    @property
    def product_mm2(self) -> float:
        """Product of the two perpendicular diameters in mm2."""
        return self.axial.longest_mm * self.axial.perpendicular_mm

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "volume_ml": round(self.volume_ml, 3),
            "axial_diameter_mm": round(self.axial.longest_mm, 1),
            "axial_perpendicular_diameter_mm": round(self.axial.perpendicular_mm, 1),
            "product_mm2": round(self.product_mm2, 1),
            "feret_diameter_mm": round(self.feret_mm, 1),
            "centre_of_mass_ras_mm": [round(v, 1) for v in self.centre_mm],
            "axial_slices": self.slices,
            "measurable": self.measurable,
        }


@dataclass(frozen=True, eq=False)
class LesionMap:
    """The lesions of a region at one time.

    Attributes:
        numbers: int32 volume: 0 outside the region, else the number of the piece from 1, the largest first.
        lesions: Piece number -> lesion, of the pieces of at least the least volume; see `with_remnants`.
        total_ml: Volume of the whole region, smaller pieces included.
        pieces_ml: Volume of each piece, that of number 1 first.
    """

    numbers: Volume
    lesions: dict[int, Lesion]
    total_ml: float
    pieces_ml: tuple[float, ...]

    def with_remnants(self, pieces: set[int]) -> LesionMap:
        """The same with smaller pieces counted as lesions too: what is left of a lesion known before."""
        more = {piece: _lesion(self.numbers, piece) for piece in pieces - self.lesions.keys()}
        return LesionMap(self.numbers, dict(sorted((self.lesions | more).items())), self.total_ml, self.pieces_ml)


def find_lesions(mask: NDArray[np.bool_], labels: Volume, least_mm3: float = MIN_LESION_MM3) -> LesionMap:
    """Number and measure the 26-connected pieces of a region.

    A lesion is measurable where both axial diameters reach 10 mm, or twice the slice thickness on slices thicker than 5 mm,
    and it is seen on two axial slices or more (RANO 2.0: Wen et al., J Clin Oncol 41, 2023, measurable disease).

    Args:
        mask: The region, on the grid of `labels`; any orientation, spacing and obliquity.
        labels: Gives the grid.
        least_mm3: Pieces below this volume are no lesions.
    """
    numbered = separate_lesions(mask)
    numbers = labels.with_data(numbered)
    to_ml = labels.grid.voxel_volume / 1000
    sizes = np.bincount(numbered.ravel())[1:]
    lesions = {
        piece: _lesion(numbers, piece)
        for piece, size in enumerate(sizes, start=1)
        if size * labels.grid.voxel_volume >= least_mm3
    }
    return LesionMap(numbers, lesions, float(mask.sum() * to_ml), tuple(float(size * to_ml) for size in sizes))


def _lesion(numbers: Volume, piece: int) -> Lesion:
    whole = numbers.data == piece
    box = box_of(whole)
    part, grid = whole[box], numbers.grid.cropped([s.start for s in box], [s.stop for s in box])
    axis = axial_axis(grid)
    axial = axial_diameters(part, grid)
    if axial is None:
        raise ValueError(f"there is no piece {piece}")
    slices = int(part.any(axis=tuple({0, 1, 2} - {axis})).sum())
    thick = float(grid.spacing[axis])
    least = 2 * thick if thick > THICK_SLICE_MM else MEASURABLE_MM
    x, y, z = (float(v) for v in grid.to_world(np.argwhere(part)).mean(axis=0))
    return Lesion(
        volume_ml=float(part.sum() * grid.voxel_volume / 1000),
        axial=axial,
        feret_mm=feret_diameter(part, grid),
        centre_mm=(x, y, z),
        slices=slices,
        measurable=slices >= MEASURABLE_SLICES and min(axial.longest_mm, axial.perpendicular_mm) >= least,
    )
