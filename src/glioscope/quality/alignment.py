"""Whether sequences lie on each other and on the atlas."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import Sequence, Volume
from glioscope.quality.remark import Remark, Severity

__all__ = ["displaced_sequences", "overlap", "overlap_remarks"]

SHIFT_MM = 5.0
"""How far a sequence is moved to see whether it then fits better."""

OVERLAP_CAUTION, OVERLAP_WARNING = 0.85, 0.75
"""Brain overlap with the atlas: affine registration gives about 0.95; BraTS cases, registered rigidly, have 0.85 to 0.95."""

_BINS = 32


def overlap(brain: Volume, atlas: Volume) -> float:
    """Dice overlap of two masks on one grid, from 0 to 1."""
    a, b = brain.data > 0, atlas.data > 0
    total = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / total if total else 0.0


def overlap_remarks(dice: float) -> list[Remark]:
    """Whether the brain lies on the atlas's brain."""
    if dice >= OVERLAP_CAUTION:
        return []
    severity = Severity.WARNING if dice < OVERLAP_WARNING else Severity.CAUTION
    sentence = f"The brain overlaps the atlas's brain by a Dice of {dice:.2f} only; check the registration to the atlas."
    return [Remark(severity, "atlas-overlap", sentence)]


def _binned(values: NDArray[np.float32]) -> NDArray[np.intp]:
    low, high = np.percentile(values, (1, 99))
    scaled = (values - low) / max(float(high - low), 1e-6) * _BINS
    return np.asarray(np.clip(scaled, 0, _BINS - 1).astype(np.intp))


def _mutual_information(a: NDArray[np.intp], b: NDArray[np.intp]) -> float:
    joint = np.bincount(a * _BINS + b, minlength=_BINS * _BINS).reshape(_BINS, _BINS) / len(a)
    outer = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    seen = joint > 0
    return float((joint[seen] * np.log(joint[seen] / outer[seen])).sum())


def displaced_sequences(images: Mapping[Sequence, Volume], brain: Volume, reference: Sequence) -> list[Remark]:
    """Sequences that fit the reference better when moved by 5 mm along an axis of the grid.

    The agreement is the mutual information inside the brain, away from its edge (the edge is that of one shared mask and
    always fits). A registered sequence agrees best where it is, so no threshold is needed.

    Args:
        images: Volumes on one grid.
        brain: Brain mask on that grid.
        reference: The sequence that the others were registered to.
    """
    spacing = brain.grid.spacing
    stride = np.maximum(1, np.floor(2.0 / spacing)).astype(int)
    shifts = np.maximum(1, np.round(SHIFT_MM / spacing)).astype(int)
    step = tuple(slice(None, None, int(s)) for s in stride)
    coarse = brain.data[step] > 0
    margin = np.maximum(1, np.ceil((SHIFT_MM + 3) / (spacing * stride))).astype(int)
    inner = coarse
    for axis in range(3):
        size = [1, 1, 1]
        size[axis] = 2 * int(margin[axis]) + 1
        inner = ndimage.binary_erosion(inner, np.ones(size))
    where = np.argwhere(inner) * stride
    if len(where) < 1000:
        return []
    fixed = _binned(images[reference].data[tuple(where.T)])
    out = []
    for sequence, image in images.items():
        if sequence is reference:
            continue
        here = _mutual_information(fixed, _binned(image.data[tuple(where.T)]))
        for axis in range(3):
            for sign in (-1, 1):
                moved = where.copy()
                moved[:, axis] += sign * shifts[axis]
                if _mutual_information(fixed, _binned(image.data[tuple(moved.T)])) > here:
                    out.append(sequence)
    return [
        Remark(
            Severity.CAUTION,
            f"displaced-{sequence}",
            f"{sequence.display_name} would fit {reference.display_name} better if it were moved by {SHIFT_MM:g} mm; check the "
            "registration of the sequences.",
        )
        for sequence in dict.fromkeys(out)
    ]
