"""Label maps to fuse: random, nested, and made by raters of known skill."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

Labels = NDArray[np.uint8]

SHAPES = st.tuples(*[st.integers(1, 5)] * 3)


@st.composite
def label_maps(draw: st.DrawFn, least: int = 1, most: int = 6, labels: tuple[int, ...] = (0, 1, 2, 3)) -> list[Labels]:
    """Maps of one shape that agree here and there."""
    shape, raters = draw(SHAPES), draw(st.integers(least, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    truth = rng.choice(np.array(labels, np.uint8), shape)
    wrong = draw(st.sampled_from([0.0, 0.2, 0.6, 1.0]))
    return [np.where(rng.random(shape) < wrong, rng.choice(np.array(labels, np.uint8), shape), truth) for _ in range(raters)]


def rated(
    truth: NDArray[np.bool_], sensitivity: list[float], specificity: list[float], seed: int = 0
) -> list[NDArray[np.bool_]]:
    """Masks of raters that find and leave out voxels of `truth` at the given rates, independently."""
    rng = np.random.default_rng(seed)
    return [
        np.where(truth, rng.random(truth.shape) < p, rng.random(truth.shape) >= q)
        for p, q in zip(sensitivity, specificity, strict=True)
    ]


def ball(shape: tuple[int, int, int], centre: tuple[float, float, float], radius: float) -> NDArray[np.bool_]:
    distance = sum((axis - c) ** 2 for axis, c in zip(np.indices(shape), centre, strict=True))
    return np.asarray(distance < radius**2)
