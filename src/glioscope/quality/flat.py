"""Whether an image shows anything."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from glioscope.core import Sequence, Volume
from glioscope.quality.remark import Remark, Severity

__all__ = ["flat_remarks"]


def flat_remarks(images: Mapping[Sequence, Volume], brain: Volume) -> list[Remark]:
    """A warning for each image that has one value in nearly all of the brain, as a mask has that was taken for an image.

    Args:
        images: Of any intensity scale.
        brain: Mask on their grid; an empty one tells nothing.
    """
    inside = brain.data > 0
    out = []
    for sequence, volume in images.items():
        if inside.any():
            low, high = np.percentile(volume.data[inside], (2, 98))
            if low == high:
                sentence = (
                    f"{sequence.display_name} has one value in nearly all of the brain, so it shows nothing; check its file."
                )
                out.append(Remark(Severity.WARNING, f"flat-{sequence}", sentence))
    return out
