"""Small label maps for tests of what reads and compares them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Volume, write_volume

AFFINE = np.diag([-1.0, -2.0, 3.0, 1.0])  # LPS, 1 x 2 x 3 mm


def nested(shift: int = 0, scheme: str = "brats-2023") -> NDArray[np.uint8]:
    """Oedema around necrosis and enhancement, moved along the first axis; 4 instead of 3 in brats-2021."""
    data = np.zeros((24, 20, 16), np.uint8)
    data[4 + shift : 14 + shift, 4:12, 4:12] = 2
    data[6 + shift : 12 + shift, 5:11, 5:11] = 4 if scheme == "brats-2021" else 3
    data[7 + shift : 10 + shift, 6:9, 6:9] = 1
    return data


def save(path: Path, data: NDArray[np.uint8], affine: NDArray[np.float64] = AFFINE) -> Path:
    """Write `data`; gives the path back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_volume(path, Volume.of(data, affine))
    return path
