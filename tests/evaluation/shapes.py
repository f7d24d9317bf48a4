"""Small label maps with planted lesions."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

Labels = NDArray[np.uint8]
Box = tuple[int, tuple[int, int, int], tuple[int, int, int]]
SHAPE = (14, 12, 13)


def cubes(shape: tuple[int, int, int], *boxes: Box) -> Labels:
    """A map with boxes (label, first corner, edge lengths), later ones over earlier ones."""
    labels = np.zeros(shape, np.uint8)
    for label, (x, y, z), (a, b, c) in boxes:
        labels[x : x + a, y : y + b, z : z + c] = label
    return labels


def label_maps(labels: tuple[int, ...] = (1, 2, 3), shape: tuple[int, int, int] = SHAPE) -> st.SearchStrategy[Labels]:
    """Maps of up to five boxes, empty ones too."""
    corner = st.tuples(*(st.integers(0, n - 1) for n in shape))
    edges = st.tuples(*[st.integers(1, 5)] * 3)
    return st.lists(st.tuples(st.sampled_from((*labels, 0)), corner, edges), max_size=5).map(lambda boxes: cubes(shape, *boxes))


spacings = st.tuples(*[st.sampled_from((0.5, 0.9, 1.0, 1.3, 2.5))] * 3)
