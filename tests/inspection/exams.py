"""Small image exams for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Volume, write_volume
from glioscope.inspection import Inspection, inspect_path


def head(seed: int = 0, shape: tuple[int, int, int] = (24, 24, 24), mm: float = 8.0) -> Volume:
    """Noise everywhere, so that nothing looks skull-stripped."""
    data = np.random.default_rng(seed).integers(1, 500, shape).astype(np.int16)
    return Volume.of(data, np.diag([mm, mm, mm, 1.0]))


def brain(seed: int = 0) -> Volume:
    """A ball of 1500 ml, darker at its rim, in exact zeros."""
    i, j, k = (np.indices((60, 60, 60)) - 29.5) * 4
    radius = np.sqrt(i**2 + j**2 + k**2)
    data = np.where(radius < 71, 400 - 300 * np.clip((radius - 60) / 11, 0, 1), 0)
    noise: NDArray[np.float64] = np.random.default_rng(seed).normal(1, 0.05, data.shape)
    return Volume.of((data * noise).astype(np.float32), np.diag([4.0, 4.0, 4.0, 1.0]))


def write(folder: Path, *names: str, volume: Volume | None = None) -> None:
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_volume(folder / name, volume or head(seed))


def one(path: Path, workdir: Path) -> Inspection:
    (found,) = inspect_path(path, workdir=workdir)
    return found
