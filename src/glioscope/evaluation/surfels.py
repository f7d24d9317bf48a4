"""The surface of a mask as elements with an area: one wherever the 2 x 2 x 2 voxels around a grid corner are mixed.

The area is that of the marching-cubes triangles through the middles of the cube's edges (Lorensen and Cline 1987), as in the
surface-distance measures of Nikolov et al. 2021 (JMIR 23:e26151), which the BraTS scores are built on.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from glioscope.evaluation.bits import Words, positions, shifted, unpack

__all__ = ["area_table", "codes_at", "corners_of", "is_surface"]

_CORNERS = tuple(product((0, 1), repeat=3))
_WEIGHTS = {corner: 1 << (7 - place) for place, corner in enumerate(_CORNERS)}
# Up to rotation, reflection and complement there are fourteen ways to fill the corners of a cube. Each has the triangles on
# the right: the components of their area vectors in eighths of a cube's face, signs dropped.
_CASES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("", ()),
    ("111", ("111",)),
    ("110 111", ("220", "220")),
    ("101 110", ("111", "111")),
    ("011 100", ("111", "111")),
    ("101 110 111", ("111", "222", "400")),
    ("011 100 111", ("022", "022", "111")),
    ("011 101 110", ("111", "111", "111")),
    ("100 101 110 111", ("400", "400")),
    ("011 101 110 111", ("111", "111", "222", "222")),
    ("011 100 110 111", ("022", "111", "202", "333")),
    ("011 100 101 110", ("111", "111", "222", "400")),
    ("010 011 100 101", ("220", "220", "220", "220")),
    ("001 010 100 111", ("111", "111", "111", "111")),
)


def _code(corners: Iterable[tuple[int, ...]]) -> int:
    return sum(_WEIGHTS[corner] for corner in corners)


def _triangles() -> list[list[tuple[int, ...]]]:
    table: list[list[tuple[int, ...]]] = [[] for _ in range(256)]
    for filled, shapes in _CASES:
        corners = [tuple(map(int, c)) for c in filled.split()]
        vectors = [tuple(map(int, s)) for s in shapes]
        for axes in permutations(range(3)):
            turned = sorted(tuple(v[a] for a in axes) for v in vectors)
            for flips in _CORNERS:
                code = _code(tuple(c[a] ^ f for a, f in zip(axes, flips, strict=True)) for c in corners)
                table[code] = table[255 - code] = turned
    return table


_TRIANGLES = _triangles()

# Which of the eight voxels of a code is set: (256, 3) steps of -1 or 0 from the corner's own indices.
_FIRST_VOXEL: NDArray[np.int64] = np.array(
    [next((tuple(x - 1 for x in c) for c in _CORNERS if code & _WEIGHTS[c]), (0, 0, 0)) for code in range(256)]
)


@lru_cache(maxsize=64)
def area_table(spacing: tuple[float, float, float]) -> NDArray[np.float64]:
    """Area (mm2) of the surface element of each of the 256 neighbourhood codes, for voxels of `spacing` mm."""
    x, y, z = spacing
    faces = np.array([y * z, x * z, x * y]) / 8
    return np.array([sum(float(np.linalg.norm(t * faces)) for t in triangles) for triangles in _TRIANGLES])


def corners_of(words: Words, length: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Grid corners on the surface of a mask: those with voxels of both kinds around them.

    Args:
        words: The mask (X, Y, Z), packed with room for one voxel more along each axis.
        length: Z.

    Returns:
        Ascending positions in the flattened (X + 1, Y + 1, Z + 1) grid, where corner (i, j, k) is the first of voxel (i, j, k);
        and that grid with the corners that have nothing but voxels of the mask around them.
    """
    some = every = words
    for axis in range(3):
        some = some | shifted(some, axis, 1)
        every = every & shifted(every, axis, 1)
    return positions(some & ~every, length + 1), unpack(every, length + 1)


def codes_at(mask: NDArray[np.bool_], corners: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Neighbourhood code of each corner (which of the eight voxels around it are set), and the position of one set voxel."""
    shape = mask.shape
    indices = np.stack(np.unravel_index(corners, tuple(n + 1 for n in shape)), axis=1)
    wide = np.pad(mask, 1).view(np.uint8)
    strides = _strides(wide.shape)
    first = indices @ strides
    codes = np.zeros(len(corners), np.uint8)
    for corner, weight in _WEIGHTS.items():
        codes |= wide.ravel()[first + int(np.dot(corner, strides))] * np.uint8(weight)
    own = _strides(shape)
    return codes, indices @ own + (_FIRST_VOXEL @ own)[codes]


def _strides(shape: tuple[int, ...]) -> NDArray[np.int64]:
    return np.array([shape[1] * shape[2], shape[2], 1])


def is_surface(codes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where a code is neither 0 nor 255."""
    return (codes - np.uint8(1)) < 254
