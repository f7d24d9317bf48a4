"""Remarks on the brain mask: coverage and volume."""

from __future__ import annotations

import nibabel as nib
import numpy as np

from glioscope.core import Volume
from glioscope.quality.remark import Remark, Severity

__all__ = ["BRAIN_ML", "CUT_CM2", "brain_remarks"]

BRAIN_ML = (800.0, 2200.0)
"""Beyond these a brain mask of an adult or an older child (with its ventricles) is wrong."""

CUT_CM2 = 30.0
"""A section of the mask this large at the edge of the field of view is more than brain stem and cerebellum."""

_ENDS = {"L": "left", "R": "right", "P": "back", "A": "front", "I": "lower", "S": "upper"}


def brain_remarks(brain: Volume) -> list[Remark]:
    """Whether the brain mask on the grid of acquisition is of a plausible size and lies inside the field of view."""
    mask, grid = brain.data > 0, brain.grid
    volume = float(mask.sum()) * grid.voxel_volume / 1000
    if not BRAIN_ML[0] <= volume <= BRAIN_ML[1]:
        sentence = f"The brain mask has {volume:.0f} ml, which no brain has; check the brain extraction."
        return [Remark(Severity.WARNING, "brain-volume", sentence)]
    out = []
    codes = nib.orientations.aff2axcodes(grid.affine)
    opposite = dict(zip("LRPAIS", "RLAPSI", strict=True))
    for axis in range(3):
        u, v = (grid.affine[:3, other] for other in range(3) if other != axis)
        pixel = float(np.linalg.norm(np.cross(u, v))) / 100
        for index, end in ((0, opposite[codes[axis]]), (-1, codes[axis])):
            area = float(mask.take(index, axis=axis).sum()) * pixel
            if area > CUT_CM2:
                sentence = f"The brain is cut off at the {_ENDS[end]} edge of the field of view ({area:.0f} cm2 there)."
                out.append(Remark(Severity.CAUTION, "brain-cut-off", sentence))
    return out
