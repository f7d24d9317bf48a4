"""From an ideal image to one as a challenge publishes it: thick slices brought to 1 mm, blur, misregistration, bias, noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from glioscope.synthesis.fields import smooth_field

__all__ = ["Scan", "draw_scan", "scan"]

LARGEST = 30000


@dataclass(frozen=True)
class Scan:
    """How one sequence was acquired and prepared.

    Attributes:
        axis: Across the slices: 0, 1 or 2.
        thickness: Slice distance in mm.
        blur: Standard deviation in mm of the blur within slices.
        shift: What is left of the head's motion after registration, mm along each axis.
        bias: Standard deviation of the logarithm of the bias field.
        noise: Standard deviation in multiples of white matter, on the slices.
        white: Intensity of white matter.
        ceiling: Intensities are cut off above this quantile of the brain.
    """

    axis: int
    thickness: float
    blur: float
    shift: tuple[float, float, float]
    bias: float
    noise: float
    white: float
    ceiling: float


def draw_scan(noise: float, rng: np.random.Generator) -> Scan:
    """An acquisition as they come: 2-D with slices of 2 to 6 mm, mostly axial, or 3-D with 1 mm.

    Args:
        noise: Usual noise of the sequence in multiples of white matter.
        rng: Where all randomness comes from.
    """
    thickness = 1.0 if rng.random() < 0.4 else float(rng.uniform(2, 6))
    x, y, z = rng.normal(0, 0.3, 3)
    return Scan(
        int(rng.choice([2, 2, 2, 2, 1, 0])),
        thickness,
        float(rng.uniform(0.25, 0.8)),
        (float(x), float(y), float(z)),
        float(rng.uniform(0.02, 0.14)),
        noise * float(np.exp(rng.uniform(np.log(0.4), np.log(2.0)))) * thickness**-0.3,
        float(np.exp(rng.uniform(np.log(90), np.log(2500)))),
        1.0 if rng.random() < 0.7 else float(rng.uniform(0.995, 0.9999)),
    )


def scan(ideal: NDArray[np.float32], brain: NDArray[np.bool_], how: Scan, rng: np.random.Generator) -> NDArray[np.int16]:
    """`ideal` as published: int16, at least 1 inside `brain`, 0 outside.

    Args:
        ideal: (X, Y, Z), 1 mm, in multiples of white matter, >= 0.
        brain: Where the skull-stripping left it.
        how: The acquisition.
        rng: For bias field and noise.
    """
    image = ideal * np.exp(np.float32(how.bias) * smooth_field(rng, ideal.shape, max(ideal.shape) / 1.6))
    for axis in range(3):
        if axis != how.axis:
            image = _along(_blur(ideal.shape[axis], how.blur, how.shift[axis]), image, axis)
    image = _along(_slices(ideal.shape[how.axis], how.thickness, how.shift[how.axis]), image, how.axis)
    image = np.abs(image + np.float32(how.noise) * rng.standard_normal(image.shape, np.float32))
    image = _along(_between(ideal.shape[how.axis], how.thickness), image, how.axis)
    image = np.where(brain, image * np.float32(how.white), 0)
    if how.ceiling < 1:
        image = np.minimum(image, np.quantile(image[brain], how.ceiling))
    return np.where(brain, np.clip(np.round(image), 1, LARGEST), 0).astype(np.int16)


def _along(weights: sparse.csr_array, image: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """`weights` (m, n) applied along one axis of n voxels; sparse, so that the sum's order never changes."""
    first = np.moveaxis(image, axis, 0)
    out = weights @ np.ascontiguousarray(first).reshape(first.shape[0], -1)
    return np.moveaxis(out.reshape(-1, *first.shape[1:]), 0, axis)


def _matrix(dense: NDArray[np.float64]) -> sparse.csr_array:
    dense = np.where(dense < 1e-3, 0, dense)
    return sparse.csr_array((dense / np.maximum(dense.sum(axis=1, keepdims=True), 1e-3)).astype(np.float32))


def _blur(count: int, deviation: float, shift: float) -> sparse.csr_array:
    apart = np.arange(count)[:, None] + shift - np.arange(count)
    return _matrix(np.exp(-0.5 * (apart / deviation) ** 2))


def _middles(count: int, thickness: float) -> NDArray[np.float64]:
    """Where the slices lie: those of 1 mm on the voxels themselves."""
    half = int(np.ceil(count / (2 * thickness)))
    return np.asarray(np.arange(-half, half + 1) * thickness + count // 2, np.float64)


def _slices(count: int, thickness: float, shift: float) -> sparse.csr_array:
    """Means over slices of a soft profile as wide as their distance."""
    apart = np.abs(_middles(count, thickness)[:, None] + shift - np.arange(count))
    return _matrix(np.clip((thickness + 1) / 2 - apart, 0, 1))


def _between(count: int, thickness: float) -> sparse.csr_array:
    """Linear interpolation from the slices to voxels."""
    apart = np.abs(np.arange(count)[:, None] - _middles(count, thickness)) / thickness
    return _matrix(np.clip(1 - apart, 0, None))
