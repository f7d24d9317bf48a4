"""Small label maps drawn in text, and random ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from glioscope.core import SCHEMES

BRATS = SCHEMES["brats-2023"]  # 1 NCR, 2 ED, 3 ET


def flat(*rows: str, depth: int = 1) -> NDArray[np.uint8]:
    """A map of (rows, columns, depth) voxels with the same slice at each depth; `.` is background."""
    plane = np.array([[0 if c == "." else int(c) for c in row] for row in rows], np.uint8)
    return np.repeat(plane[:, :, None], depth, axis=2)


def slab(*rows: str) -> NDArray[np.uint8]:
    """The drawing between two slices in which all that is not `.` is 2, so that what it encloses is enclosed in space too."""
    middle = flat(*rows)
    lid = np.where(_filled(middle), 2, 0).astype(np.uint8)
    return np.concatenate([lid, middle, lid], axis=2)


def _filled(plane: NDArray[np.uint8]) -> NDArray[np.bool_]:
    from scipy import ndimage

    return np.asarray(ndimage.binary_fill_holes(plane[:, :, 0] > 0))[:, :, None]


@st.composite
def label_maps(draw: Any, side: int = 5) -> NDArray[np.uint8]:
    """Speckled maps: most voxels equal to a neighbour, so that there are components and holes of many sizes."""
    shape = tuple(draw(st.integers(1, side)) for _ in range(3))
    found: NDArray[np.uint8] = draw(arrays(np.uint8, shape, elements=st.sampled_from([0, 0, 0, 1, 2, 3]), fill=st.nothing()))
    return found
