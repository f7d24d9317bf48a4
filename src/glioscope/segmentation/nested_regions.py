"""Clean-up between and after the stages of a cascade: what is too small, loose or outside is dropped."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["clean_core", "clean_nested", "clean_whole"]

Mask = NDArray[np.bool_]

NEIGHBOURS = ndimage.generate_binary_structure(3, 2)  # faces and edges
WHOLE = 2000  # voxels that a part of the whole tumour must exceed where there are several
SECOND = 10  # a second part of the core stays where it has more than this fraction (1 / SECOND) of the first
ENHANCING = 30  # voxels below which the enhancing tumour is taken for noise


def clean_whole(mask: Mask) -> Mask:
    """`mask` with small gaps closed and only its parts above `WHOLE` voxels; the largest where none is."""
    parts, sizes = _parts(_closed(mask))
    kept = sizes > WHOLE
    if sizes.size and not kept.any():
        kept[np.argmax(sizes)] = True
    return np.asarray(np.concatenate([[False], kept])[parts])


def clean_core(mask: Mask) -> Mask:
    """`mask` with small gaps closed and only its largest part, or the two largest where the second is not much smaller."""
    return _two_largest(_closed(mask))


def clean_nested(whole: Mask, core: Mask, enhancing: Mask) -> tuple[Mask, Mask, Mask]:
    """Final regions, each within the one before, from the raw masks of three stages on one grid.

    The whole tumour is cleaned together with what the later stages found; parts of the core that lie mostly outside it are
    dropped; the core that remains belongs to the whole tumour.
    """
    tumour = clean_whole(whole | core | enhancing)
    whole = whole & tumour
    core = _two_largest(_mostly_within(_closed((core | enhancing) & tumour), whole))
    enhancing = enhancing & core
    if enhancing.sum() < ENHANCING:
        enhancing = np.zeros_like(enhancing)
    return whole | core, core, enhancing


def _closed(mask: Mask) -> Mask:
    return np.asarray(ndimage.binary_closing(np.pad(mask, 1), NEIGHBOURS)[1:-1, 1:-1, 1:-1])


def _parts(mask: Mask) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Parts numbered from 1, and the size of each."""
    parts, _ = ndimage.label(mask, NEIGHBOURS)
    return parts, np.bincount(parts.ravel())[1:]


def _two_largest(mask: Mask) -> Mask:
    parts, sizes = _parts(mask)
    order = np.argsort(-sizes, kind="stable")[:2]
    kept = np.zeros(sizes.size + 1, bool)
    for part in order:
        kept[part + 1] = SECOND * sizes[part] > sizes[order[0]]
    return np.asarray(kept[parts])


def _mostly_within(mask: Mask, outer: Mask) -> Mask:
    parts, sizes = _parts(mask)
    inside = np.bincount(parts[outer], minlength=sizes.size + 1)[1:]
    return np.asarray(np.concatenate([[False], 2 * inside >= sizes])[parts])
