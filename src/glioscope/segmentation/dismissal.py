"""What a network found and FLAIR shows to be no tumour, by the rules that `flair-threshold` has for what it finds itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.segmentation.border import borderless_parts
from glioscope.segmentation.dim_parts import dim_parts
from glioscope.segmentation.filters import deviation, smoothed
from glioscope.segmentation.flair_threshold import CONSPICUOUS, LIQUOR, SMOOTHING_MM
from glioscope.segmentation.shading import without_shading
from glioscope.segmentation.symmetry import symmetric_parts

__all__ = ["dismissed_parts"]

STEP = 0.05
"""Less than `flair-threshold` asks for: a network has other sequences to go by, and finds tumours that hardly stand out."""
TOUCHING = np.ones((3, 3, 3), bool)
"""Corners make one component, as where dust is removed: a crumb at a tumour's rim is not judged alone."""


def dismissed_parts(
    mask: NDArray[np.bool_],
    enhancing: NDArray[np.bool_],
    flair: NDArray[np.floating[Any]],
    brain: NDArray[np.bool_],
    spacing: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Those components of `mask` that are nowhere bright on FLAIR; and where nothing enhances, those without a border there and
    those that are thin and as bright on the other side.

    Args:
        mask: What was found, anything of the tumour; the first axis of all arrays runs roughly from left to right.
        enhancing: What of it enhances: a cyst with a rim may well have no border on FLAIR.
        flair: Intensities of any scale.
        brain: Brain mask, not empty.
        spacing: Voxel edges in mm.
    """
    parts, _ = ndimage.label(mask, TOUCHING)
    dim = dim_parts(mask, flair, brain)
    doubtful = mask & ~dim & ~np.isin(parts, parts[mask & enhancing])
    if not doubtful.any():
        return dim
    image = smoothed(without_shading(flair, brain, spacing), brain, spacing, SMOOTHING_MM)
    middle, spread = deviation(image[brain])
    bright, tissue = (brain & (image > middle + n * spread) for n in (CONSPICUOUS, LIQUOR))
    borderless = borderless_parts(doubtful, flair, tissue & ~mask, spacing, STEP, TOUCHING)
    return dim | borderless | symmetric_parts(doubtful, bright, brain, spacing, TOUCHING)
