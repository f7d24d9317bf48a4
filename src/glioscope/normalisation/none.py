"""Intensities as they are."""

from __future__ import annotations

import numpy as np

from glioscope.core import Volume

__all__ = ["none"]


def none(image: Volume, mask: Volume) -> Volume:
    """The image itself as float32, 0 outside the mask (bool, same grid)."""
    return image.with_data(np.where(mask.data > 0, image.data, 0).astype(np.float32))
