"""Where a registration starts: a coarse search that no engine's own optimiser has to survive."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

from glioscope.core import Grid, Transform, Volume
from glioscope.preprocessing.registration.similarity import binned, normalised_mutual_information

__all__ = ["Comparison", "between_slices", "coarse_alignment", "compared", "rigid_about", "smoothed"]

COARSE_MM = 6.0
ANGLES = (-24.0, -12.0, 0.0, 12.0, 24.0)
QUARTER_BELOW = np.array([1, 121, 235, 27, 0]) / 384
"""Cubic B-spline a quarter of a step below the middle of five samples."""

ARM_MM = 60.0
"""Distance from the centre at which one parameter step of rotation moves a point as far as one of translation."""


def smoothed(volume: Volume, millimetres: float) -> Volume:
    """The volume at a resolution of so many millimetres, on voxels of at most half of that; coarser axes stay as they are."""
    factors = [max(1, int(0.5 * millimetres / s)) for s in volume.grid.spacing]
    padded = np.pad(volume.data, [(0, -n % f) for n, f in zip(volume.data.shape, factors, strict=True)], mode="edge")
    (x, y, z), (f, g, h) = (n // f for n, f in zip(padded.shape, factors, strict=True)), factors
    pooled = padded.reshape(x, f, y, g, z, h).mean(axis=(1, 3, 5), dtype=np.float32)
    affine = volume.grid.affine.copy()
    affine[:3, :3] *= factors
    affine[:3, 3] = volume.grid.to_world((np.array(factors) - 1) / 2)
    # What pooling has smoothed already (the variance of a box) is not smoothed again.
    wanted = [(0.5 * millimetres / s) ** 2 * (s < millimetres) for s in volume.grid.spacing]
    sigma = [np.sqrt(max(0.0, w - (f**2 - 1) / 12)) / f for w, f in zip(wanted, factors, strict=True)]
    return Volume(np.asarray(ndimage.gaussian_filter(pooled, sigma)), Grid((x, y, z), affine))


def between_slices(volume: Volume) -> Volume:
    """Twice as many slices along the coarsest axis, by a cubic B-spline through the given ones.

    A straight line between thick slices blurs what lies half-way and not what lies on them, which pulls an alignment
    towards blur.
    """
    axis = int(np.argmax(volume.grid.spacing))
    coefficients = ndimage.spline_filter1d(volume.data, 3, axis=axis, output=np.float32)
    halves = [ndimage.correlate1d(coefficients, w, axis=axis, mode="mirror") for w in (QUARTER_BELOW, QUARTER_BELOW[::-1])]
    shape = [n * 2 if a == axis else n for a, n in enumerate(volume.data.shape)]
    affine = volume.grid.affine.copy()
    affine[:3, axis] /= 2
    affine[:3, 3] -= affine[:3, axis] / 2
    return Volume.of(np.stack(halves, axis=axis + 1).reshape(shape), affine)


def _centre(volume: Volume, mask: Volume | None) -> NDArray[np.float64]:
    """World point of the centre of mass: of the mask, or of what is brighter than the mean."""
    data = volume.data > volume.data.mean() if mask is None else mask.data > 0
    return volume.grid.to_world(np.array(ndimage.center_of_mass(data)))


@dataclass(frozen=True, eq=False)
class Comparison:
    """The fixed image at scattered points, ready to be compared with the moving image under many transforms."""

    points: NDArray[np.float64]
    fixed_bins: NDArray[np.intp]
    moving: NDArray[np.float32]
    to_index: NDArray[np.float64]
    limits: tuple[float, float]

    @staticmethod
    def of(
        fixed: Volume, moving: Volume, mask: Volume | None, seed: int, *, millimetres: float, lattice: Grid | None = None
    ) -> Comparison:
        """Sample `fixed` about every `millimetres` (inside `mask`, where there is one); both are `smoothed` to that scale.

        The points lie about the voxels of `lattice`, or of `fixed` where None.
        """
        random, lattice = np.random.default_rng(seed), lattice or fixed.grid
        axes = [np.arange(0, n, max(1.0, millimetres / s)) for n, s in zip(lattice.shape, lattice.spacing, strict=True)]
        index = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
        # Off the lattice: points that fall on voxel centres of both images favour the identity.
        index = np.clip(index + random.uniform(-0.5, 0.5, index.shape), 0, np.asarray(lattice.shape) - 1)
        points = lattice.to_world(index)
        if mask is not None:
            where = np.rint(mask.grid.to_index(points)).astype(int)
            inside = mask.data[tuple(np.clip(where, 0, np.asarray(mask.data.shape) - 1).T)] > 0
            index, points = index[inside], points[inside]
        if lattice is not fixed.grid:
            index = fixed.grid.to_index(points)
        values = ndimage.map_coordinates(fixed.data, index.T, order=1)
        low, high = np.percentile(moving.data, [1, 99.5])
        return Comparison(
            points,
            binned(values),
            moving.data,
            np.linalg.inv(moving.grid.affine).astype(np.float64),
            (float(low), float(high)),
        )

    def similarity(self, matrix: NDArray[np.float64]) -> float:
        """Normalised mutual information when the fixed points are looked up at `matrix @ point`; outside counts as dark."""
        to_index = self.to_index @ matrix
        index = self.points @ to_index[:3, :3].T + to_index[:3, 3]
        values = ndimage.map_coordinates(self.moving, index.T, order=1, mode="constant")
        low, high = self.limits
        bins = np.clip((values - low) * (32 / max(high - low, 1e-6)), 0, 31).astype(np.intp)
        return normalised_mutual_information(self.fixed_bins, bins)


def compared(fixed: Volume, moving: Volume, mask: Volume | None, seed: int, millimetres: float = COARSE_MM) -> Comparison:
    """A comparison of two images as they came."""
    seen = smoothed(fixed, millimetres), smoothed(moving, millimetres)
    return Comparison.of(*seen, mask, seed, millimetres=millimetres)


def rigid_about(
    parameters: NDArray[np.float64], centre: NDArray[np.float64], target: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Turn about `centre`, which goes to `target` and on by the shift; a step of one moves the head's surface by about 1 mm."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(parameters[:3] / ARM_MM).as_matrix()
    matrix[:3, 3] = target + parameters[3:] - matrix[:3, :3] @ centre
    return matrix


def coarse_alignment(fixed: Volume, moving: Volume, *, fixed_mask: Volume | None = None, seed: int = 0) -> Transform:
    """A rigid transform that is right to a few millimetres and degrees.

    Starts from the coordinates that the files give and from the centres of mass, each with rotations of up to 24 degrees
    about the three axes; the three best by normalised mutual information are refined by Powell's method, the best is returned.
    """
    compare = compared(fixed, moving, fixed_mask, seed, 2 * COARSE_MM)
    centre, moving_centre = _centre(fixed, fixed_mask), _centre(moving, None)
    starts = []
    for target in (centre, moving_centre):
        for angles in itertools.product(ANGLES, repeat=3):
            rotation = Rotation.from_euler("xyz", angles, degrees=True).as_rotvec() * ARM_MM
            parameters = np.concatenate([rotation, target - moving_centre])
            starts.append((compare.similarity(rigid_about(parameters, centre, moving_centre)), parameters))
    starts.sort(key=lambda pair: -pair[0])
    compare = compared(fixed, moving, fixed_mask, seed, COARSE_MM)

    def cost(parameters: NDArray[np.float64]) -> float:
        return -compare.similarity(rigid_about(parameters, centre, moving_centre))

    options = {"xtol": 0.3, "ftol": 1e-4, "maxiter": 3}
    best = min((minimize(cost, p, method="Powell", options=options) for _, p in starts[:3]), key=lambda r: float(r.fun))
    return Transform(rigid_about(best.x, centre, moving_centre))
