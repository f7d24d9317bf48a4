"""Brains made by hand: a ball of textured tissue with a lesion of known extent."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import Sequence, Volume

N = 72
CENTRE = (42.0, 30.0, 38.0)


def distance(point: tuple[float, float, float], spacing: tuple[float, float, float] = (1, 1, 1)) -> NDArray[np.float64]:
    shape = tuple(round(N / s) for s in spacing)
    grid = np.indices(shape).reshape(3, -1).T * spacing - point
    return np.asarray(np.linalg.norm(grid, axis=1).reshape(shape))


def phantom(
    *, enhancing: bool = True, spacing: tuple[float, float, float] = (1, 1, 1), lesion: bool = True
) -> tuple[Mapping[Sequence, Volume], Volume, NDArray[np.uint8]]:
    """Images, brain mask and the truth (brats-2023): core of 5 mm in a rim up to 9 mm in an oedema up to 14 mm."""
    affine = np.diag([*spacing, 1.0])
    brain = distance((N / 2, N / 2, N / 2), spacing) < 33
    r = distance(CENTRE, spacing) if lesion else np.full(brain.shape, 99.0)
    truth = np.zeros(brain.shape, np.uint8)
    truth[r < 14] = 2
    if enhancing:
        truth[r < 9] = 3
        truth[r < 5] = 1
    rng = np.random.default_rng(0)

    def image(base: float, ed: float, et: float, ncr: float) -> Volume:
        texture = ndimage.gaussian_filter(rng.normal(0, 1, brain.shape), 2.0 / np.asarray(spacing), mode="wrap")
        data = base + rng.normal(0, 8, brain.shape) + 12 * texture / texture.std()
        for label, change in ((2, ed), (3, et), (1, ncr)):
            data[truth == label] += change
        return Volume.of(np.where(brain, np.round(data), 0).astype(np.float32), affine)

    images = {
        Sequence.T1N: image(200, -5, 0, -10),
        Sequence.T1C: image(210, -5, 120, -10),
        Sequence.T2F: image(150, 60, 60, 60),
    }
    return images, Volume.of(brain, affine), truth


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))
