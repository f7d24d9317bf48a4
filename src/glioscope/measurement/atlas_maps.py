"""The maps of an atlas, and how points of the patient are found in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import Transform, Volume

__all__ = ["AtlasMaps", "align_atlases", "values_at"]


@dataclass(frozen=True, eq=False)
class AtlasMaps:
    """An atlas laid over a patient. World points are RAS mm.

    Attributes:
        name: Such as SRI24.
        lobes: Label map of lobes, deep structures and ventricles.
        lobe_names: Value in `lobes` -> name.
        lateralisation: Label map with one value for each half.
        to_atlas: Takes points of the patient to points of the atlas.
        from_atlas: Takes points of the atlas to points of the patient.
        to_mni: Takes points of the atlas to points of MNI152; None where MNI152 is not there.
        mni_source: How well it does, in a sentence.
    """

    name: str
    lobes: Volume
    lobe_names: Mapping[int, str]
    lateralisation: Volume
    to_atlas: Transform = field(default_factory=Transform.identity)
    from_atlas: Transform = field(default_factory=Transform.identity)
    to_mni: Transform | None = None
    mni_source: str = ""

    @cached_property
    def ventricles_mm(self) -> NDArray[np.float64]:
        """Points of the patient, (n, 3), on the surface of the four ventricles as the atlas has them."""
        values = [value for value, name in self.lobe_names.items() if "ventricle" in name]
        mask = np.isin(self.lobes.data, values)
        surface = np.argwhere(mask & ~ndimage.binary_erosion(mask))
        return self.from_atlas.apply(self.lobes.grid.to_world(surface))


def values_at(volume: Volume, points: NDArray[np.float64]) -> NDArray[Any]:
    """The voxels of `volume` in which world points (n, 3) lie; 0 outside it."""
    index = np.rint(volume.grid.to_index(points)).astype(np.intp)
    inside = ((index >= 0) & (index < volume.data.shape)).all(axis=1)
    values = np.zeros(len(points), volume.data.dtype)
    values[inside] = volume.data[tuple(index[inside].T)]
    return values


def align_atlases(source: Volume, target: Volume) -> tuple[Transform, float]:
    """The affine transform that takes points of one atlas to points of another, by the centres of the structures both have.

    Least squares over the centres of mass of all labels that both maps hold.

    Args:
        source: Label map of structures; at least four that are not in one plane.
        target: Label map of the other atlas with the same numbers.

    Returns:
        The transform, and the root mean square distance in mm by which the centres miss each other after it.
    """
    first, second = _centres(source), _centres(target)
    both = sorted(first.keys() & second.keys())
    centres = [np.array([found[value] for value in both]) for found in (first, second)]
    homogeneous = np.column_stack([centres[0], np.ones(len(both))])
    solution = np.linalg.lstsq(homogeneous, centres[1], rcond=None)[0]
    matrix = np.eye(4)
    matrix[:3] = solution.T
    missed = homogeneous @ solution - centres[1]
    return Transform(matrix), float(np.sqrt((missed**2).sum(axis=1).mean()))


def _centres(labels: Volume) -> dict[int, NDArray[np.float64]]:
    """Value -> centre of mass of its voxels as a world point."""
    flat = labels.data.ravel()
    counts = np.bincount(flat)
    index = np.stack(
        [
            np.bincount(flat, np.broadcast_to(along, labels.data.shape).ravel())
            for along in np.ogrid[tuple(slice(float(n)) for n in labels.data.shape)]
        ],
        axis=-1,
    )
    return {int(v): labels.grid.to_world(index[v] / counts[v]) for v in np.flatnonzero(counts) if v}
