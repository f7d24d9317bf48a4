"""Zero mean and unit variance within the brain."""

from __future__ import annotations

import numpy as np

from glioscope.core import Volume

__all__ = ["zscore"]


def zscore(image: Volume, mask: Volume) -> Volume:
    """(x - mean) / standard deviation, both taken over the mask (population formula); 0 outside it.

    Args:
        image: float volume.
        mask: bool volume on the same grid.

    Returns:
        float32 volume; all zero where the mask is empty or the brain has one value only.
    """
    inside = mask.data > 0
    out = np.zeros(image.data.shape, np.float32)
    values = image.data[inside].astype(np.float64)
    if values.size and values.std() > 0:
        out[inside] = (values - values.mean()) / values.std()
    return image.with_data(out)
