"""The healthy brain that every synthetic exam is deformed from: tissue fractions of an atlas, and distances in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import Grid, InvalidImage, Volume, read_volume
from glioscope.synthesis.fields import stretched
from glioscope.synthesis.tissue_maps import tissue_fractions

__all__ = ["BRATS_GRID", "LOWER", "SHAPE", "Template", "box_grid", "brats_part", "read_template"]

BRATS_GRID = Grid((240, 240, 155), np.array([[-1.0, 0, 0, 0], [0, -1.0, 0, 239], [0, 0, 1.0, 0], [0, 0, 0, 1]]))
"""1 mm, LPS: the grid of the BraTS challenges, on which SRI24 lies."""

LOWER, SHAPE = (42, 32, 0), (156, 192, 152)
"""The part of `BRATS_GRID` that is worked on: the brain of SRI24 with a dozen mm to spare. Multiples of 4."""

BRAIN = (53, 44, 6), (185, 214, 139)
"""First and last voxel of the brain of SRI24 on `BRATS_GRID`."""

DEEP = 20.0
"""Distance in mm from the surface beyond which fluid is taken to be ventricle."""


@dataclass(frozen=True, eq=False)
class Template:
    """A brain in the box `SHAPE`; every array float32 of that shape.

    Attributes:
        csf: Part of each voxel that is fluid, in [0, 1]; 0 outside the brain.
        wm: Part that is white matter; what is neither is grey matter.
        surface: Signed distance in mm to the border of the brain with its outer fluid; negative inside.
        ventricle: Distance in mm to the ventricles; 0 in them, and nowhere above 20.
    """

    csf: NDArray[np.float32]
    wm: NDArray[np.float32]
    surface: NDArray[np.float32]
    ventricle: NDArray[np.float32]


def box_grid() -> Grid:
    """The grid of the box `SHAPE`."""
    return BRATS_GRID.cropped(LOWER, np.add(LOWER, SHAPE))


def brats_part(grid: Grid) -> tuple[slice, ...]:
    """The voxels of `BRATS_GRID` that a grid cropped from it has."""
    lower = np.round(BRATS_GRID.to_index(grid.to_world([0, 0, 0]))).astype(int)
    return tuple(slice(low, low + size) for low, size in zip(lower, grid.shape, strict=True))


def read_template(maps: Mapping[str, Path]) -> Template:
    """The template made of an atlas; it is kept, so that the next exam of this process has it at once.

    Args:
        maps: `csf`, `gm`, `wm` -> probability map on the BraTS grid, as SRI24 has them; or `t1`, `brain_mask` -> image and
            brain on a 1 mm grid of any size, as MNI152 has them, which are scaled to be as large as SRI24.

    Raises:
        InvalidImage: a probability map lies on another grid.
    """
    return _read(*(maps.get(key) for key in ("csf", "gm", "wm", "t1", "brain_mask")))


@lru_cache(maxsize=2)
def _read(csf_file: Path | None, gm_file: Path | None, wm_file: Path | None, t1: Path | None, mask: Path | None) -> Template:
    if csf_file and gm_file and wm_file:
        return _template(_boxed(csf_file), _boxed(gm_file), _boxed(wm_file))
    if t1 and mask:
        maps = tissue_fractions(*_fitted(t1, mask))
        return _template(maps["csf"], maps["gm"], maps["wm"])
    raise InvalidImage("A template needs the maps csf, gm and wm of an atlas, or its t1 and brain_mask.")


def _fitted(t1: Path, mask: Path) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """An image and its brain in the box, scaled so that the brain fills `BRAIN`."""
    image, brain = read_volume(t1).reoriented("LPS").data, read_volume(mask).reoriented("LPS").data > 0
    corners = np.argwhere(brain)
    low, high = corners.min(axis=0), corners.max(axis=0)
    scale = (high - low) / np.subtract(*BRAIN[::-1])
    offset = low - scale * (np.array(BRAIN[0]) - LOWER)
    fitted = ndimage.affine_transform(image * brain, np.diag(scale), offset, SHAPE, order=1)
    return fitted, ndimage.affine_transform(brain.astype(np.float32), np.diag(scale), offset, SHAPE, order=1) > 0.5


def _template(csf: NDArray[np.float32], gm: NDArray[np.float32], wm: NDArray[np.float32]) -> Template:
    total = csf + gm + wm
    solid = ndimage.binary_opening(total > 0.5, iterations=2)
    solid = ndimage.binary_fill_holes(ndimage.binary_closing(_largest(solid), iterations=4))
    inner = ndimage.distance_transform_edt(solid).astype(np.float32)
    outer = ndimage.distance_transform_edt(~solid).astype(np.float32)
    scale = np.where(solid, 1 / np.maximum(total, 0.25), 0).astype(np.float32)
    fluid = np.where(solid, np.clip(csf * scale + np.clip(1 - total * scale, 0, 1), 0, 1), 0).astype(np.float32)
    ventricles = _ventricles(fluid, inner)
    away = ndimage.distance_transform_edt(~ventricles[::2, ::2, ::2], sampling=2.0)
    ventricle = np.where(ventricles, 0, stretched(np.minimum(away, 20), SHAPE))
    return Template(fluid, wm * scale, outer - inner, ventricle)


def _boxed(file: Path) -> NDArray[np.float32]:
    volume: Volume = read_volume(file).reoriented("LPS")
    if not volume.grid.same_as(BRATS_GRID):
        raise InvalidImage(f"'{file.name}' does not lie on the BraTS grid (240 x 240 x 155 voxels of 1 mm).")
    box = tuple(slice(low, low + size) for low, size in zip(LOWER, SHAPE, strict=True))
    data: NDArray[np.float32] = np.asarray(volume.data[box], np.float32)
    return np.pad(data, [(0, size - have) for size, have in zip(SHAPE, data.shape, strict=True)])


def _ventricles(csf: NDArray[np.float32], depth: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The largest piece of deep fluid."""
    return _largest((csf > 0.6) & (depth > DEEP))


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest piece of a mask."""
    parts, count = ndimage.label(mask)
    return np.asarray(parts == 1 + int(np.bincount(parts.ravel(), minlength=count + 2)[1:].argmax()))
