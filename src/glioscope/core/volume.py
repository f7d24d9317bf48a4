"""A 3-D image in memory: voxels and the grid they lie on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core.grid import Grid

__all__ = ["Volume"]


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels on a grid.

    Attributes:
        data: Array of shape `grid.shape`: float32 for images and probabilities, uint8 for label maps, bool for masks.
        grid: Shape and affine (RAS, mm).
    """

    data: NDArray[Any]
    grid: Grid

    @staticmethod
    def of(data: NDArray[Any], affine: NDArray[np.float64]) -> Volume:
        """A volume from an array of three axes and its affine."""
        x, y, z = data.shape
        return Volume(data, Grid((x, y, z), affine))

    def with_data(self, data: NDArray[Any]) -> Volume:
        """Other voxels on the same grid."""
        return Volume.of(data, self.grid.affine)

    def reoriented(self, orientation: str) -> Volume:
        """The same voxels with axes flipped and permuted to `orientation` (such as `LPS`); world points do not move."""
        import nibabel as nib

        current = nib.orientations.io_orientation(self.grid.affine)
        wanted = nib.orientations.axcodes2ornt(tuple(orientation))
        change = nib.orientations.ornt_transform(current, wanted)
        data = nib.orientations.apply_orientation(self.data, change)
        affine = self.grid.affine @ nib.orientations.inv_ornt_aff(change, self.grid.shape)
        return Volume.of(data, affine)
