"""A brain that no atlas is needed for: an ellipsoid with grey rind, white middle and two ventricles."""

from __future__ import annotations

import functools

import numpy as np
from scipy import ndimage

from glioscope.synthesis.template import SHAPE, Template


@functools.cache
def ellipsoid_brain() -> Template:
    """Half axes of 60, 78 and 60 mm in the middle of the box."""
    x, y, z = (np.arange(n, dtype=np.float32) - (n - 1) / 2 for n in SHAPE)
    radius = np.sqrt((x[:, None, None] / 60) ** 2 + (y[:, None] / 78) ** 2 + (z / 60) ** 2)
    surface = (60 * (radius - 1)).astype(np.float32)
    left = np.abs(x)[:, None, None] - 14
    holes = np.sqrt((left / 6) ** 2 + (y[:, None] / 26) ** 2 + (z / 9) ** 2) < 1
    csf = np.where(holes | ((surface < 0) & (surface > -2)), 1, 0).astype(np.float32)
    wm = np.where((surface < -8) & ~holes, 1, 0).astype(np.float32)
    away = ndimage.distance_transform_edt(~holes[::2, ::2, ::2], sampling=2.0)
    ventricle = np.minimum(away, 20).repeat(2, 0).repeat(2, 1).repeat(2, 2).astype(np.float32)
    return Template(csf, wm, surface, np.where(holes, 0, np.maximum(ventricle, 0.5)).astype(np.float32))
