"""The 2nd to the 98th percentile stretched over the whole range."""

from __future__ import annotations

import numpy as np

from glioscope.core import Volume

__all__ = ["percentile_rescale"]


def percentile_rescale(image: Volume, mask: Volume, low: float = 2.0, high: float = 98.0) -> Volume:
    """(x - P_low) / (P_high - P_low), clipped to [0, 1], percentiles taken over the mask; 0 outside it.

    The contrast stretching of the African BraTS 2023 entry (section 2.1, "Rescaling Voxel Intensities"), which takes the 2nd
    and 98th percentile to the ends of the intensity range; the range here is [0, 1].

    Args:
        image: float volume.
        mask: bool volume on the same grid.
        low: Percentile that becomes 0.
        high: Percentile that becomes 1.

    Returns:
        float32 volume in [0, 1]; all zero where the mask is empty or both percentiles coincide.
    """
    inside = mask.data > 0
    out = np.zeros(image.data.shape, np.float32)
    values = image.data[inside].astype(np.float64)
    if values.size:
        bottom, top = np.percentile(values, [low, high])
        if top > bottom:
            out[inside] = np.clip((values - bottom) / (top - bottom), 0, 1)
    return image.with_data(out)
