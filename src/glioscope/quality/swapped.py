"""Whether contrast and native T1 were taken for each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import Sequence, Volume
from glioscope.core.boxes import box_of
from glioscope.quality.remark import Remark, Severity

__all__ = ["enhancement", "swapped_remarks"]

MARGIN_MM = 6.0
"""The outermost brain is left out: what stripping left of skull and dura is bright in either image."""

LEAST = 0.8
"""Enhancement below this is that of swapped images: 1.9 to 6.8 in 14 real exams, so at most 0.52 in swapped ones."""


def enhancement(contrast: Volume, native: Volume, brain: Volume) -> float | None:
    """How much further the brightest voxels of contrast minus native T1 lie from the median than the darkest ones.

    Vessels, choroid plexus and tumour enhance, and hardly a voxel of a brain becomes as much darker; so this is well above 1.
    Both images are scaled by the median and its absolute deviation first; the brightest are the 99.9th percentile.

    Args:
        contrast: T1 with contrast agent, of any intensity scale.
        native: T1 without, on the same grid.
        brain: Mask on that grid.

    Returns:
        A ratio above 0, or None where the images have no contrast or the mask no inside.
    """
    mask = brain.data > 0
    if not mask.any():
        return None
    box = box_of(mask)
    depth = ndimage.distance_transform_edt(np.pad(mask[box], 1), sampling=brain.grid.spacing)[1:-1, 1:-1, 1:-1]
    inside = depth > MARGIN_MM
    if not inside.any():
        return None
    bright, plain = (_scaled(volume.data[box][inside]) for volume in (contrast, native))
    if bright is None or plain is None:
        return None
    low, middle, high = np.percentile(bright - plain, (0.1, 50, 99.9))
    return float((high - middle) / (middle - low)) if middle > low else None


def swapped_remarks(images: Mapping[Sequence, Volume], brain: Volume) -> list[Remark]:
    """A warning where the native T1 is the one that looks enhanced."""
    if not {Sequence.T1C, Sequence.T1N} <= images.keys():
        return []
    found = enhancement(images[Sequence.T1C], images[Sequence.T1N], brain)
    if found is None or found >= LEAST:
        return []
    sentence = (
        f"{Sequence.T1C.display_name} and {Sequence.T1N.display_name} look swapped: what differs most is brighter in the "
        f"native image (ratio {found:.2f}, usually above 1.5); name the files with --t1c and --t1n."
    )
    return [Remark(Severity.WARNING, "t1-swapped", sentence)]


def _scaled(values: NDArray[Any]) -> NDArray[np.float64] | None:
    """By median and median absolute deviation; None where nothing deviates."""
    numbers = np.asarray(values, np.float64)
    numbers -= np.median(numbers)
    deviation = float(np.median(np.abs(numbers)))
    return numbers / deviation if deviation > 0 else None
