"""How bright each tissue is in each sequence, and the texture inside a tissue."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Sequence
from glioscope.synthesis.anatomy import Anatomy
from glioscope.synthesis.fields import smooth_field

__all__ = ["BRIGHTNESS", "ideal_image"]

TISSUES = ("csf", "gm", "wm", "bone", "fat", "muscle", "ncr", "ed", "et")

BRIGHTNESS: Mapping[Sequence, Mapping[str, float]] = MappingProxyType(
    {
        sequence: MappingProxyType(dict(zip(TISSUES, values, strict=True)))
        for sequence, values in {
            Sequence.T1N: (180, 430, 620, 60, 900, 340, 270, 460, 430),
            Sequence.T1C: (190, 460, 640, 60, 910, 380, 290, 470, 980),
            Sequence.T2W: (950, 560, 390, 50, 620, 220, 880, 790, 640),
            Sequence.T2F: (130, 570, 440, 50, 560, 260, 420, 880, 740),
        }.items()
    }
)
"""Signal of pure tissue, in arbitrary units of about 0 to 1000, in the order of a spin-echo exam at 1.5 to 3 T."""

TEXTURE = ((5.0, 0.035), (18.0, 0.03))
"""Scale in mm and relative standard deviation of each component of the texture."""


def ideal_image(anatomy: Anatomy, sequence: Sequence, rng: np.random.Generator) -> NDArray[np.float32]:
    """The image of a perfect scanner: `BRIGHTNESS` weighted by the tissue fractions, with texture; float32, >= 0."""
    brightness = BRIGHTNESS[sequence]
    image = np.zeros(anatomy.grid.shape, np.float32)
    for name, fraction in anatomy.fractions.items():
        image += np.float32(brightness[name]) * fraction
    texture = np.ones(anatomy.grid.shape, np.float32)
    for scale, strength in TEXTURE:
        texture += np.float32(strength) * smooth_field(rng, anatomy.grid.shape, scale)
    return np.asarray(image * np.clip(texture, 0.7, 1.3), np.float32)
