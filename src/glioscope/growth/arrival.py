"""When the front would arrive if it moved at its final speed from the start: the eikonal equation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InvalidImage
from glioscope.growth.diffusivity import diffusivity
from glioscope.growth.tissue import GrowthParameters, Tissue

__all__ = ["arrival_time", "front_speed"]

NEAR = 2.0
"""Distance from the seed, in voxels, up to which the front is a ball."""


def front_speed(tissue: Tissue, parameters: GrowthParameters) -> NDArray[np.float32]:
    """Speed of the front in mm/time, float32 (X, Y, Z): 2 sqrt(rho tr(D) / 3), 0 outside the solid brain.

    For isotropic diffusion this is Fisher's speed; any other constant would rank voxels alike.
    """
    kappa, anisotropic = diffusivity(tissue, parameters)
    mean = kappa if anisotropic is None else kappa + np.trace(anisotropic, axis1=1, axis2=2) / 3
    speed = np.zeros(tissue.brain.shape, np.float32)
    speed[tissue.solid] = 2 * np.sqrt(parameters.rho * mean)
    return speed


def arrival_time(
    speed: NDArray[np.float32], spacing: tuple[float, float, float], index: tuple[float, float, float]
) -> NDArray[np.float32]:
    """Arrival time of a front that starts at one point, by fast marching (ITK).

    Args:
        speed: (X, Y, Z) in mm/time, 0 where nothing moves; see `front_speed`.
        spacing: mm.
        index: Continuous voxel indices of the point.

    Returns:
        float32 (X, Y, Z), +inf where the front never comes.

    Raises:
        InvalidImage: no voxel near the point lets the front pass.
    """
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(speed.T)
    image.SetSpacing([float(s) for s in spacing])
    middle = np.rint(index).astype(int)
    cube = middle + np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    cube = cube[((cube >= 0) & (cube < speed.shape)).all(axis=1)]
    there = speed[tuple(cube.T)]
    distance = np.sqrt((((cube - index) * spacing) ** 2).sum(axis=1))
    near = (there > 0) & (distance <= NEAR * max(spacing))
    if not near.any():
        raise InvalidImage("The seed lies outside the white and grey matter of the brain.")
    march = sitk.FastMarchingImageFilter()
    march.SetTrialPoints([tuple(int(n) for n in point) for point in cube[near]])
    march.SetInitialTrialValues([float(value) for value in distance[near] / there[near]])
    march.SetNormalizationFactor(1.0)
    times = sitk.GetArrayFromImage(march.Execute(image)).T
    return np.asarray(np.where((speed > 0) & (times < 1e30), times, np.inf), np.float32)
