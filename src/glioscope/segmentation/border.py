"""What has a border: lesions do, the shading of a coil and what its removal makes of it do not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core.boxes import box_of
from glioscope.segmentation.filters import grown

__all__ = ["STEP", "borderless_parts", "step_at_border"]

Mask = NDArray[np.bool_]
Image = NDArray[np.floating[Any]]
Vector = NDArray[np.float64]

NEAR_MM, FAR_MM = 2.0, 6.0
"""Where the surroundings of a part lie: beyond its blurred rim, and so near that shading hardly changes."""
STEP = 0.12
"""How much brighter than its surroundings a part must be to have a border (docs/baselines.md: tumours have 0.15 and more)."""


def borderless_parts(
    mask: Mask, image: Image, tissue: Mask, spacing: Vector, least: float = STEP, structure: Mask | None = None
) -> Mask:
    """Those components of `mask` that are hardly brighter than what surrounds them.

    Args:
        mask: What was found.
        image: Intensities as they came, on a scale that starts at zero: what removes shading can make a part bright.
        tissue: Where surroundings may lie; liquor would make a border of every sulcus.
        spacing: Voxel edges in mm.
        least: What counts as a border, as `step_at_border` measures it.
        structure: (3, 3, 3), which neighbours are of one component; by default those that share a face.
    """
    parts, count = ndimage.label(mask, structure)
    around = tissue & ~mask
    steps = [step_at_border(parts == number, image, around, spacing) for number in range(1, count + 1)]
    return np.asarray((np.array([np.inf, *steps]) < least)[parts])


def step_at_border(part: Mask, image: Image, around: Mask, spacing: Vector) -> float:
    """Median of `image` in `part` over that in `around` from 2 to 6 mm away, less 1; infinite where nothing is there."""
    box = box_of(part, np.ceil(FAR_MM / spacing).astype(int).tolist())
    part, image, around = part[box], image[box], around[box]
    ring = grown(part, spacing, FAR_MM) & around & ~grown(part, spacing, NEAR_MM)
    level = float(np.median(image[ring])) if ring.any() else 0.0
    return float(np.median(image[part])) / level - 1 if level > 0 else np.inf
