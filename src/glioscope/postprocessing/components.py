"""Connected components and enclosed holes, by connected-components-3d."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InvalidImage

__all__ = ["CONNECTIVITIES", "check_connectivity", "components", "holes", "keep_numbers"]

CONNECTIVITIES = (6, 18, 26)
"""Voxels that touch: by faces, also by edges, also by corners."""

Mask = NDArray[np.bool_]
Parts = NDArray[np.integer[Any]]


def check_connectivity(connectivity: int) -> None:
    """Raise InvalidImage where `connectivity` is none of CONNECTIVITIES."""
    if connectivity not in CONNECTIVITIES:
        raise InvalidImage(f"Connectivity is 6, 18 or 26, not {connectivity!r}.")


def components(mask: Mask, connectivity: int) -> tuple[Parts, NDArray[np.int64]]:
    """Numbered components of a 3-D mask (0 outside), and the voxels of each number (0 for number 0)."""
    import cc3d

    if not mask.size:
        return np.zeros(mask.shape, np.uint16), np.zeros(1, np.int64)
    parts = np.asarray(cc3d.connected_components(mask, connectivity=connectivity))
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return parts, sizes


def holes(mask: Mask, connectivity: int) -> tuple[Parts, NDArray[np.int64]]:
    """Numbered holes of a mask with a free voxel around it, and the voxels of each number.

    A hole is a component of what is not mask that the mask encloses. Where the mask hangs together by corners (26) a hole does
    by faces, and the other way round, so that no wall is crossed.
    """
    parts, sizes = components(~mask, 6 if connectivity != 6 else 26)
    outside = int(parts.flat[0])
    parts[parts == outside] = 0
    sizes[outside] = 0
    return parts, sizes


def keep_numbers(parts: Parts, chosen: NDArray[np.bool_]) -> Parts:
    """`parts` with 0 for the numbers that are not `chosen`."""
    table = np.where(chosen, np.arange(chosen.size), 0).astype(parts.dtype)
    return np.asarray(table[parts])
