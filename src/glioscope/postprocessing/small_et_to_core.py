"""A tiny enhancing tumour is taken for core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from glioscope.postprocessing.canvas import Canvas
from glioscope.postprocessing.label_step import LabelStep
from glioscope.postprocessing.regions import largest_first, own_label
from glioscope.postprocessing.size import Size

__all__ = ["SmallEnhancingToCore"]


@dataclass(frozen=True)
class SmallEnhancingToCore(LabelStep):
    """All ET of an exam becomes non-enhancing core where there is less of it than `below`.

    Source: entries to BraTS 2021 that relabel ET below 200, 500 (one model) or 750 voxels (an ensemble) as necrosis; it keeps
    TC as it is.

    Attributes:
        below: The least ET that is believed, over all its components.
    """

    name: ClassVar[str] = "small-et-to-core"

    below: Size

    def paint(self, canvas: Canvas) -> None:
        """Make the changes on `canvas`."""
        largest_first(canvas.scheme, ("TC", "ET"))
        mask = canvas.region("ET")
        if mask.sum() < self.below.in_voxels(canvas.voxel_mm3):
            canvas.paint(mask.astype(np.uint8), own_label(canvas.scheme, "TC"), self.name, "ET")
