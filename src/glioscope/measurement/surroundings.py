"""What lies around a lesion: its side and lobes, the midline, the brain's surface, the ventricles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from glioscope.core import Grid, Volume
from glioscope.core.boxes import box_of
from glioscope.measurement.atlas_maps import AtlasMaps, values_at
from glioscope.measurement.lesions import MIN_LESION_MM3
from glioscope.measurement.location import Share, halves, lobes_of, middle_x, side_of

__all__ = ["Neighbourhood", "Surroundings"]


_SOME = 50


@dataclass(frozen=True)
class Surroundings:
    """Where one lesion lies.

    Attributes:
        share: Side and lobes.
        beyond_midline_ml: What of it lies on the side that holds less.
        crosses_midline: Whether that is at least MIN_LESION_MM3.
        surface_mm: From its voxel nearest to the brain's surface to that surface; None without a brain mask.
        depth_mm: From its centre of mass to the brain's surface; None without a brain mask.
        ventricles_mm: From its nearest voxel to the atlas's ventricles, 0 where it reaches into them; None without an atlas.
    """

    share: Share
    beyond_midline_ml: float
    crosses_midline: bool
    surface_mm: float | None
    depth_mm: float | None
    ventricles_mm: float | None

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            **self.share.document(),
            "crosses_midline": self.crosses_midline,
            "beyond_midline_ml": round(self.beyond_midline_ml, 3),
            "distance_to_brain_surface_mm": _rounded(self.surface_mm),
            "depth_of_centre_mm": _rounded(self.depth_mm),
            "distance_to_ventricles_mm": _rounded(self.ventricles_mm),
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """What there is to tell where a lesion lies.

    Attributes:
        grid: Of the label map; its middle divides left from right where there is neither brain nor atlas.
        brain: Brain mask on any grid of the patient's space.
        atlas: An atlas laid over the patient.
    """

    grid: Grid
    brain: Volume | None = None
    atlas: AtlasMaps | None = None

    def around(self, points: NDArray[np.float64], voxel_ml: float) -> Surroundings:
        """The surroundings of a lesion.

        Args:
            points: World points (RAS mm) of its voxels, (n, 3), at least one.
            voxel_ml: Volume of a voxel.
        """
        if self.atlas is None:
            left = points[:, 0] < self._middle
            right = ~left
        else:
            there = self.atlas.to_atlas.apply(points)
            side = values_at(self.atlas.lateralisation, there)
            left, right = (side == value for value in self._halves)
            structures = values_at(self.atlas.lobes, there)
        share = side_of(float(left.sum()), float(right.sum()))
        beyond = float(min(left.sum(), right.sum()) * voxel_ml)
        ventricles = None
        if self.atlas is not None:
            share = replace(share, lobes=lobes_of(structures, self.atlas.lobe_names))
            within = any("ventricle" in name for name in share.lobes or {})
            ventricles = 0.0 if within else self._nearest(self._ventricles, points)
        surface = depth = None
        if self._surface is not None:
            surface = self._nearest(self._surface, points)
            depth = self._nearest(self._surface, points.mean(axis=0, keepdims=True))
        return Surroundings(share, beyond, beyond * 1000 >= MIN_LESION_MM3, surface, depth, ventricles)

    @cached_property
    def _middle(self) -> float:
        return middle_x(self.grid, None) if self.brain is None else middle_x(self.brain.grid, self.brain)

    @cached_property
    def _halves(self) -> tuple[int, int]:
        assert self.atlas is not None
        return halves(self.atlas.lateralisation)

    @cached_property
    def _ventricles(self) -> KDTree | None:
        assert self.atlas is not None
        points = self.atlas.ventricles_mm
        return KDTree(points) if len(points) else None

    @cached_property
    def _surface(self) -> KDTree | None:
        """The brain mask's outermost voxels; holes in it, such as ventricles left out, are no surface."""
        if self.brain is None or not self.brain.data.any():
            return None
        box = box_of(self.brain.data > 0, (1, 1, 1))
        solid = ndimage.binary_fill_holes(self.brain.data[box] > 0)
        edge = np.argwhere(solid & ~ndimage.binary_erosion(solid))
        return KDTree(self.brain.grid.to_world(edge + [s.start for s in box]))

    @staticmethod
    def _nearest(tree: KDTree | None, points: NDArray[np.float64]) -> float | None:
        """From the tree's points to the one of `points` that is nearest to them.

        Some of the points bound the distance, so that the search ends early for most of the others, those inside the lesion.
        """
        if tree is None:
            return None
        bound = float(tree.query(points[::_SOME])[0].min())
        return min(bound, float(tree.query(points, distance_upper_bound=bound)[0].min()))
