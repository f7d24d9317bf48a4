"""A region with too little of it in the whole exam is emptied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from glioscope.postprocessing.canvas import Canvas
from glioscope.postprocessing.label_step import LabelStep
from glioscope.postprocessing.regions import largest_first
from glioscope.postprocessing.size import Size

__all__ = ["MinimumVolume"]


@dataclass(frozen=True)
class MinimumVolume(LabelStep):
    """From the smallest region to the largest, what is less than its minimum in the whole exam becomes background.

    Source: entries to BraTS 2021 that empty ET below 600 voxels (100 and 400 tried).

    Attributes:
        sizes: Region -> the least volume that is believed, over all its components.
    """

    name: ClassVar[str] = "minimum-volume"

    sizes: Mapping[str, Size]

    def paint(self, canvas: Canvas) -> None:
        """Make the changes on `canvas`."""
        for region in reversed(largest_first(canvas.scheme, self.sizes)):
            mask = canvas.region(region)
            if mask.sum() < self.sizes[region].in_voxels(canvas.voxel_mm3):
                canvas.paint(mask.astype(np.uint8), 0, self.name, region)
