"""Tumours of given shape: a label map turned, stretched, bent, mirrored and put somewhere in another brain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import InvalidImage, Volume, convert_labels, numbering_of, resample_labels
from glioscope.growth import Tissue
from glioscope.synthesis.acquisition import random_rigid
from glioscope.synthesis.fields import smooth_field, stretched
from glioscope.synthesis.template import BRATS_GRID, SHAPE, box_grid
from glioscope.synthesis.tumour import POST_OPERATIVE, SCHEME, TumourFields

__all__ = ["depth_of", "place_tumour", "shape_labels"]

CLIP = 6.0
"""Depths are known up to this many mm."""

BEND = (26.0, 2.0)
"""Scale and standard deviation in mm of the bending of a shape."""

TRIES = 12
"""Places that are looked at; the one with most of the tumour in white and grey matter is taken."""

WANDER = 14.0
"""Standard deviation in mm of how far a tumour is moved from where it was."""


def place_tumour(shape: Volume, tissue: Tissue, rng: np.random.Generator) -> TumourFields:
    """The tumour of a label map in another brain.

    Args:
        shape: Label map of scheme `brats-2021`, `brats-2023` or `brats-2024-gli`, on any grid.
        tissue: The healthy brain on a lattice that covers the box; what of the tumour lies outside it is cut off.
        rng: Where all randomness comes from.

    Raises:
        InvalidImage: the label map has a value that the scheme lacks, or no tumour.
    """
    labels = shape_labels(shape)
    seen = np.argwhere(labels > 0)
    middle = seen.mean(axis=0)
    matrix = random_rigid(rng, 12, 0).matrix[:3, :3] @ np.diag(rng.uniform(0.8, 1.2, 3))
    home = middle
    if rng.random() < 0.5:
        matrix = matrix @ np.diag([-1.0, 1, 1])
        home = middle * [-1, 1, 1] + [SHAPE[0] - 1, 0, 0]
    some = seen[rng.integers(len(seen), size=400)] - middle
    target = _roomiest(home, some @ np.linalg.inv(matrix).T, tissue, rng)
    grid = np.indices(SHAPE, np.float32)
    offset = middle - matrix @ target
    points = np.tensordot(matrix.astype(np.float32), grid, 1) + offset.astype(np.float32)[:, None, None, None]
    for axis in range(3):
        points[axis] += np.float32(BEND[1]) * smooth_field(rng, SHAPE, BEND[0])
    moved = ndimage.map_coordinates(labels, points, order=0)
    return TumourFields(
        depth_of(moved > 0),
        depth_of(np.isin(moved, SCHEME.regions["TC"])),
        depth_of(moved == SCHEME.value_of("ET")),
        1.0,
    )


def _roomiest(
    home: NDArray[np.floating], spread: NDArray[np.floating], tissue: Tissue, rng: np.random.Generator
) -> NDArray[np.floating]:
    """Of some places near `home`, the one where most of the points spread around it lie in white and grey matter."""
    places = [home + rng.normal(0, WANDER, 3) for _ in range(TRIES)]
    last = np.array(tissue.solid.shape) - 1
    held = []
    for place in places:
        voxels = np.clip(np.round((place + spread) / tissue.spacing).astype(int), 0, last)
        held.append(tissue.solid[tuple(voxels.T)].mean())
    return np.asarray(places[int(np.argmax(held))])


def shape_labels(shape: Volume) -> NDArray[np.uint8]:
    """The label map on the box's grid, in `SCHEME`; a cavity counts as core that does not enhance.

    What does not lie on the grid of the BraTS challenges is laid over it centre on centre.

    Raises:
        InvalidImage: it has a value that the scheme lacks, or no tumour inside the box.
    """
    numbering = numbering_of(shape.data, SCHEME)
    if numbering is SCHEME and (shape.data == 4).any():
        numbering = POST_OPERATIVE
        cavity = shape.data == numbering.value_of("RC")
        shape = shape.with_data(np.where(cavity, numbering.value_of("NETC"), shape.data).astype(np.uint8))
    known = shape.with_data(convert_labels(shape.data, numbering, SCHEME)).reoriented("LPS")
    if not known.grid.same_as(BRATS_GRID):
        affine = known.grid.affine.copy()
        middle = (np.array(known.grid.shape) - 1) / 2
        affine[:3, 3] += BRATS_GRID.to_world((np.array(BRATS_GRID.shape) - 1) / 2) - known.grid.to_world(middle)
        known = Volume.of(known.data, affine)
    labels = np.asarray(resample_labels(known, box_grid(), SCHEME).data, np.uint8)
    if not labels.any():
        raise InvalidImage("A label map without tumour inside the head gives no shape; leave it out.")
    return labels


def depth_of(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Depth in mm below the mask's surface, exact to a voxel's fraction near it, at most `CLIP` on both sides."""
    soft = ndimage.gaussian_filter(mask.astype(np.float32), 0.8) - np.float32(0.5)
    if not mask.any():
        return np.full(mask.shape, -CLIP, np.float32)
    inner = ndimage.distance_transform_edt(mask[::2, ::2, ::2], sampling=2.0)
    outer = ndimage.distance_transform_edt(~mask[::2, ::2, ::2], sampling=2.0)
    far = stretched(np.clip(inner - outer, -CLIP, CLIP), mask.shape)
    near = np.float32(2.5) * soft
    return np.where(np.abs(soft) < 0.45, near, np.where(soft > 0, np.maximum(far, near), np.minimum(far, near)))
