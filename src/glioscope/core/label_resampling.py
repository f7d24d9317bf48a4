"""Carrying label maps between grids: by region, by volume fraction, never by nearest neighbour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core.grid import Grid
from glioscope.core.labels import Scheme
from glioscope.core.transform import Transform, resample
from glioscope.core.volume import Volume

__all__ = ["resample_fraction", "resample_labels", "resample_mask"]


def _subdivided(grid: Grid, source_spacing: float) -> tuple[Grid, NDArray[np.int_]]:
    """A finer grid whose voxels tile those of `grid`, each about `source_spacing` mm wide, and the factor an axis."""
    factor = np.maximum(1, np.rint(grid.spacing / source_spacing)).astype(int)
    affine = grid.affine.copy()
    affine[:3, :3] = affine[:3, :3] / factor
    affine[:3, 3] = grid.to_world((1 / factor - 1) / 2)
    x, y, z = (int(n * f) for n, f in zip(grid.shape, factor, strict=True))
    return Grid((x, y, z), affine), factor


def resample_fraction(moving: Volume, fixed: Grid, transform: Transform | None = None) -> Volume:
    """How much of each voxel of `fixed` the moving mask or probability map fills, in [0, 1].

    A thick slice of the fixed grid is sampled at as many places as the moving grid has voxels in it, so that the fraction is
    the mean over the voxel, not the value at its centre: volumes survive the way back to 5 mm slices.
    """
    transform = transform or Transform.identity()
    out = np.zeros(fixed.shape, np.float32)
    data = np.asarray(moving.data, np.float32)
    filled = ndimage.find_objects((data > 0).astype(np.uint8))
    if not filled:
        return Volume(out, fixed)
    corners = np.array([[s.start - 1, s.stop] for s in filled[0]], float)
    box = np.array(np.meshgrid(*corners, indexing="ij")).reshape(3, -1).T
    if transform.is_affine:
        index = fixed.to_index(transform.inverse().apply(moving.grid.to_world(box)))
        lower = np.clip(np.floor(index.min(axis=0)).astype(int) - 1, 0, np.asarray(fixed.shape))
        upper = np.clip(np.ceil(index.max(axis=0)).astype(int) + 2, lower, np.asarray(fixed.shape))
    else:
        lower, upper = np.zeros(3, int), np.asarray(fixed.shape)
    if (upper <= lower).any():
        return Volume(out, fixed)
    part = fixed.cropped(lower, upper)
    fine, factor = _subdivided(part, float(moving.grid.spacing.min()))
    sampled = resample(Volume(data, moving.grid), fine, transform).data
    blocks = sampled.reshape([n for pair in zip(part.shape, factor, strict=True) for n in pair])
    out[tuple(slice(a, b) for a, b in zip(lower, upper, strict=True))] = blocks.mean(axis=(1, 3, 5))
    return Volume(out, fixed)


def resample_mask(moving: Volume, fixed: Grid, transform: Transform | None = None, *, threshold: float = 0.5) -> Volume:
    """A mask on another grid: the voxels of which more than `threshold` is filled, as bool."""
    fraction = resample_fraction(moving, fixed, transform)
    return Volume(fraction.data > threshold, fixed)


def resample_labels(moving: Volume, fixed: Grid, scheme: Scheme, transform: Transform | None = None) -> Volume:
    """A label map on another grid, region by region, as uint8.

    Each of the nested regions WT, TC, ET keeps the voxels that it fills more than half of, as does each label outside WT
    (such as the resection cavity). A voxel inside a region but not inside the next smaller one gets the label, of those
    between the two, that fills most of it. Regions therefore stay nested and keep their volumes, no label appears that was
    not there, and no seam of a third label arises between two others, as interpolated label numbers would give.
    """
    fractions = {
        value: resample_fraction(moving.with_data(moving.data == value), fixed, transform).data
        for value in scheme.labels
        if (moving.data == value).any()
    }
    chain = [set(scheme.regions[name]) for name in ("WT", "TC", "ET") if name in scheme.regions]
    chained = set().union(*chain)
    nested = [(outer, inner) for outer, inner in zip(chain, [*chain[1:], set()], strict=False)]
    alone: list[tuple[set[int], set[int]]] = [({value}, set()) for value in scheme.labels if value not in chained]
    out = np.zeros(fixed.shape, np.uint8)
    for region, inner in [*alone, *nested]:
        inside = sum((f for value, f in fractions.items() if value in region), np.zeros(fixed.shape, np.float32)) > 0.5
        shell = sorted((region - inner or region) & fractions.keys())
        if not shell or not inside.any():
            continue
        filled = np.stack([fractions[value][inside] for value in shell])
        out[inside] = np.asarray(shell, np.uint8)[filled.argmax(axis=0)]
    return Volume(out, fixed)
