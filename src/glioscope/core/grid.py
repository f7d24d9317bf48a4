"""Where voxels are: shape and affine of a volume in RAS millimetres."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import nibabel as nib
import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Grid"]


@dataclass(frozen=True, eq=False)
class Grid:
    """A voxel lattice in space.

    Attributes:
        shape: Voxels along the three array axes.
        affine: 4x4 float64 matrix from voxel indices to world points in mm, RAS+ (x to the right, y anterior, z up).
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "affine", np.array(self.affine, np.float64))
        self.affine.setflags(write=False)

    @cached_property
    def spacing(self) -> NDArray[np.float64]:
        """Edge lengths of a voxel in mm, one per array axis."""
        return np.asarray(np.sqrt((self.affine[:3, :3] ** 2).sum(axis=0)))

    @cached_property
    def voxel_volume(self) -> float:
        """Volume of a voxel in mm3 (a sheared affine is honoured)."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    @cached_property
    def orientation(self) -> str:
        """Three letters, such as `LPS`: the direction in which each array axis runs, to the nearest anatomical axis."""
        return "".join(nib.orientations.aff2axcodes(self.affine))

    @cached_property
    def obliquity(self) -> float:
        """Largest angle in degrees between an array axis and the anatomical axis closest to it."""
        cosines = np.abs(self.affine[:3, :3] / self.spacing).max(axis=0)
        return float(np.degrees(np.arccos(np.clip(cosines, -1, 1))).max())

    @property
    def extent(self) -> NDArray[np.float64]:
        """Field of view in mm along each array axis."""
        return np.asarray(self.spacing * np.asarray(self.shape))

    def same_as(self, other: Grid, tolerance: float = 1e-3) -> bool:
        """Whether both have the same shape and no voxel centre differs by more than `tolerance` mm."""
        if self.shape != other.shape:
            return False
        corners = np.array([[i, j, k, 1] for i in (0, 1) for j in (0, 1) for k in (0, 1)], float)
        corners[:, :3] *= np.asarray(self.shape) - 1
        return bool(np.abs(corners @ (self.affine - other.affine).T).max() <= tolerance)

    def cropped(self, lower: ArrayLike, upper: ArrayLike) -> Grid:
        """The part of the lattice from voxel index `lower` up to, but not including, `upper`."""
        affine = self.affine.copy()
        affine[:3, 3] = self.to_world(lower)
        x, y, z = (int(n) for n in np.asarray(upper) - np.asarray(lower))
        return Grid((x, y, z), affine)

    def to_world(self, indices: ArrayLike) -> NDArray[np.float64]:
        """World points (mm, RAS) of voxel indices, both of shape (..., 3)."""
        return np.asarray(np.asarray(indices, np.float64) @ self.affine[:3, :3].T + self.affine[:3, 3])

    def to_index(self, points: ArrayLike) -> NDArray[np.float64]:
        """Continuous voxel indices of world points (mm, RAS), both of shape (..., 3)."""
        inverse = np.linalg.inv(self.affine)
        return np.asarray(np.asarray(points, np.float64) @ inverse[:3, :3].T + inverse[:3, 3])
