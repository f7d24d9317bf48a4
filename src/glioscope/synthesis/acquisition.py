"""From an ideal image to what a scanner exports: slices, position, motion, bias field and noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Grid, Transform, Volume
from glioscope.synthesis.fields import smooth_field

__all__ = ["Protocol", "acquire", "partial_volume", "random_rigid", "slice_grid"]

BIAS = 0.12
"""Standard deviation of the logarithm of the bias field."""

NOISE = 10.0
"""Standard deviation of the noise in each of the two channels of the signal, where white matter has about 500."""


@dataclass(frozen=True)
class Protocol:
    """How one sequence is acquired.

    Attributes:
        name: The exported file's name without its ending.
        in_plane: Pixel size in mm.
        thickness: Slice distance in mm; slices have no gaps.
        tilt: Degrees by which the slices are turned about the left-right axis.
    """

    name: str
    in_plane: float
    thickness: float
    tilt: float


def _rotation(x: float, y: float, z: float) -> NDArray[np.float64]:
    """Rotation matrix about x, then y, then z; degrees."""
    out = np.eye(3)
    for axis, angle in enumerate(np.radians([x, y, z])):
        turn = np.eye(3)
        a, b = (axis + 1) % 3, (axis + 2) % 3
        turn[[a, a, b, b], [a, b, a, b]] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
        out = turn @ out
    return out


def random_rigid(rng: np.random.Generator, degrees: float, millimetres: float) -> Transform:
    """A rigid transform about the world's origin: up to `degrees` about each axis, up to `millimetres` along each."""
    matrix = np.eye(4)
    matrix[:3, :3] = _rotation(*rng.uniform(-degrees, degrees, 3))
    matrix[:3, 3] = rng.uniform(-millimetres, millimetres, 3)
    return Transform(matrix)


def slice_grid(protocol: Protocol, extent: tuple[float, float, float]) -> Grid:
    """Axial slices (LAS) centred on the world's origin that cover `extent` mm along x, y and z."""
    spacing = np.array([protocol.in_plane, protocol.in_plane, protocol.thickness])
    x, y, z = (int(2 * np.ceil(e / s / 2)) for e, s in zip(extent, spacing, strict=True))
    affine = np.eye(4)
    affine[:3, :3] = _rotation(protocol.tilt, 0, 0) @ np.diag(spacing * [-1, 1, 1])
    affine[:3, 3] = -affine[:3, :3] @ (np.array([x, y, z]) - 1) / 2
    return Grid((x, y, z), affine)


def acquire(ideal: Volume, grid: Grid, motion: Transform, rng: np.random.Generator) -> Volume:
    """`ideal` as measured on `grid`.

    Each voxel is the mean over its volume (partial volume of thick slices), under a smooth bias field, with Rician noise
    (magnitude of a complex signal with normal noise in both channels).

    Args:
        ideal: Image >= 0.
        grid: The slices.
        motion: World points of the scanner to world points of `ideal`.
        rng: Where all randomness comes from.

    Returns:
        int16 volume on `grid`.
    """
    real = partial_volume(ideal, grid, motion)
    real *= np.exp(np.float32(BIAS) * smooth_field(rng, grid.shape, max(grid.shape) / 2))
    real += np.float32(NOISE) * rng.standard_normal(grid.shape, np.float32)
    imaginary = np.float32(NOISE) * rng.standard_normal(grid.shape, np.float32)
    magnitude = np.sqrt(real * real + imaginary * imaginary)
    return Volume(np.round(magnitude, out=magnitude).astype(np.int16), grid)


def partial_volume(ideal: Volume, grid: Grid, motion: Transform) -> NDArray[np.float32]:
    """The mean of `ideal` over each voxel of `grid`, float32; 0 outside `ideal`.

    Slices lie along the grid's third axis, about that of `ideal`. Means over two voxels there are sampled, linearly, in as many
    layers as it takes to fill a slice.

    Args:
        ideal: float32 volume.
        grid: Slices whose pixels are about as wide as the voxels of `ideal`.
        motion: Rigid or affine, world points of `grid` to world points of `ideal`.
    """
    import SimpleITK as sitk  # several times as fast as scipy here

    layers = max(1, round(float(grid.spacing[2] / ideal.grid.spacing[2]) / 2))
    matrix = np.linalg.inv(ideal.grid.affine) @ motion.matrix @ grid.affine
    turned = matrix[:3, :3][::-1, ::-1]  # ITK counts axes from the last one of an array
    pairs = ideal.data[:, :, 1:] + ideal.data[:, :, :-1]
    pairs *= np.float32(0.5)
    source = sitk.GetImageFromArray(pairs)
    filled = sitk.ResampleImageFilter()
    filled.SetSize(grid.shape[::-1])
    filled.SetInterpolator(sitk.sitkLinear)
    filled.SetNumberOfThreads(1)
    total = np.zeros(grid.shape, np.float32)
    for layer in range(layers):
        start = matrix[:3, 3] + matrix[:3, 2] * ((layer + 0.5) / layers - 0.5) - [0, 0, 0.5]
        filled.SetTransform(sitk.AffineTransform([float(v) for v in turned.ravel()], [float(v) for v in start[::-1]]))
        sampled = filled.Execute(source)  # kept, as the view does not own its numbers
        total += sitk.GetArrayViewFromImage(sampled)
    return total / np.float32(layers)
