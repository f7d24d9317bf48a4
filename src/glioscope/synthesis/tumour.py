"""A glioma in a healthy head: necrotic core, enhancing rim, oedema that follows the white matter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import get_scheme
from glioscope.synthesis.anatomy import Anatomy
from glioscope.synthesis.fields import smooth_field

__all__ = ["SCHEME", "grow_tumour"]

SCHEME = get_scheme("brats-2023")

DEPTH = 22.0
"""Least distance in mm of the tumour's centre from the surface of the brain."""


def _centre(anatomy: Anatomy, rng: np.random.Generator) -> NDArray[np.int_]:
    """A voxel deep in the white matter of one cerebral hemisphere, away from the midline and the brain stem."""
    corners = np.argwhere(anatomy.brain[::2, ::2, ::2]) * 2
    lower, upper = corners.min(axis=0), corners.max(axis=0)
    middle = (lower + upper) / 2
    deep = ndimage.distance_transform_edt(anatomy.brain[::2, ::2, ::2], sampling=2.0) > DEPTH
    places = np.argwhere(deep & (anatomy.fractions["wm"][::2, ::2, ::2] > 0.8)) * 2
    lateral = np.abs(places[:, 0] - middle[0])
    height = (places[:, 2] - lower[2]) / (upper[2] - lower[2])
    places = places[(lateral > 18) & (height > 0.45) & (height < 0.8)]
    return np.asarray(places[rng.integers(len(places))])


def grow_tumour(anatomy: Anatomy, rng: np.random.Generator) -> tuple[Anatomy, NDArray[np.uint8]]:
    """Put one tumour into `anatomy`.

    Args:
        anatomy: A healthy head.
        rng: Where all randomness comes from.

    Returns:
        The head with the fractions `ncr`, `et` and `ed` besides the others, which give way to them; and the exact label map
        of scheme `brats-2023`, uint8 on the same grid. Core of 12 to 18 mm radius, oedema about 1.8 times as far.
    """
    shape = anatomy.grid.shape
    centre, radius = _centre(anatomy, rng), rng.uniform(12, 18)
    stretch = rng.uniform(0.85, 1.2, 3)
    x, y, z = (
        (np.arange(n, dtype=np.float32) - c) / np.float32(radius * s) for n, c, s in zip(shape, centre, stretch, strict=True)
    )
    distance = np.sqrt(x[:, None, None] ** 2 + y[None, :, None] ** 2 + z[None, None, :] ** 2)
    core = distance + 0.12 * smooth_field(rng, shape, 10)
    necrosis = distance + 0.10 * smooth_field(rng, shape, 7)
    wm = anatomy.fractions["wm"]
    reach = distance + 0.25 * smooth_field(rng, shape, 16) + 0.45 * (1 - ndimage.gaussian_filter(wm, 1.5))
    tissue = anatomy.brain & (anatomy.fractions["csf"] < 0.5)

    labels = np.zeros(shape, np.uint8)
    labels[(reach < 1.85) & tissue] = SCHEME.value_of("ED")
    labels[(core < 1) & anatomy.brain] = SCHEME.value_of("ET")
    labels[(core < 1) & (necrosis < 0.68) & anatomy.brain] = SCHEME.value_of("NCR")
    main, _ = ndimage.label(labels > 0)
    labels[main != main[tuple(centre)]] = 0

    parts = {}
    for name in ("NCR", "ED", "ET"):
        soft = ndimage.gaussian_filter((labels == SCHEME.value_of(name)).astype(np.float32), 0.6)
        parts[name.lower()] = soft
    rest = np.clip(1 - sum(parts.values()), 0, 1).astype(np.float32)
    fractions = {name: fraction * rest for name, fraction in anatomy.fractions.items()}
    return Anatomy(anatomy.grid, {**fractions, **parts}, anatomy.brain), labels
