"""Small components become background, and the holes they leave are closed, region by region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from glioscope.postprocessing.canvas import Canvas
from glioscope.postprocessing.components import check_connectivity, components, holes, keep_numbers
from glioscope.postprocessing.label_step import LabelStep
from glioscope.postprocessing.regions import largest_first, own_label
from glioscope.postprocessing.size import Size

__all__ = ["RemoveDust"]


@dataclass(frozen=True)
class RemoveDust(LabelStep):
    """From the smallest region to the largest: fill the holes that the removals so far left in it, then remove its dust.

    For ET, TC and WT that is the order of the source: ET dust goes; what of it TC encloses becomes NCR; TC dust goes; what of
    all that WT encloses becomes ED; WT dust goes. Only voxels that this step removed are ever filled. The source fills holes
    in WT "created by the removal of TC dust"; here those that removed ET left inside oedema are filled as well, as it says
    of ET and TC together elsewhere (3.3).

    Source: optimisation framework for BraTS 2023 (U-Net), sections 2.6 and 3.3: components of 50 voxels or fewer, which are
    50 mm3 there.

    Attributes:
        sizes: Region -> the largest component that counts as dust (that size itself included; 0 removes nothing).
        connectivity: 26, 18 or 6: which voxels touch.
        fill: Whether holes are filled.
    """

    name: ClassVar[str] = "remove-dust"

    sizes: Mapping[str, Size]
    connectivity: int = 26
    fill: bool = True

    def __post_init__(self) -> None:
        check_connectivity(self.connectivity)

    def paint(self, canvas: Canvas) -> None:
        """Make the changes on `canvas`."""
        removed = np.zeros(canvas.box.shape, bool)
        for region in reversed(largest_first(canvas.scheme, self.sizes)):
            mask = canvas.region(region)
            if self.fill and removed.any():
                gaps, _ = holes(mask, self.connectivity)
                gaps[~removed] = 0
                canvas.paint(gaps, own_label(canvas.scheme, region), self.name, region)
                removed[gaps > 0] = False
                mask = mask | (gaps > 0)
            parts, sizes = components(mask, self.connectivity)
            dust = keep_numbers(parts, sizes <= self.sizes[region].in_voxels(canvas.voxel_mm3))
            canvas.paint(dust, 0, self.name, region)
            removed |= dust > 0
