"""Background that a region encloses becomes part of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from glioscope.postprocessing.canvas import Canvas
from glioscope.postprocessing.components import check_connectivity, holes, keep_numbers
from glioscope.postprocessing.label_step import LabelStep
from glioscope.postprocessing.regions import largest_first, own_label
from glioscope.postprocessing.size import Size

__all__ = ["FillHoles"]


@dataclass(frozen=True)
class FillHoles(LabelStep):
    """From the smallest region to the largest, background in its holes gets the region's own label (NCR in TC, ED in WT).

    Other labels in a hole stay: a resection cavity that tumour surrounds is no tumour.

    Attributes:
        sizes: Region -> the largest hole that is filled.
        connectivity: 26, 18 or 6: which voxels of the region touch.
    """

    name: ClassVar[str] = "fill-holes"

    sizes: Mapping[str, Size]
    connectivity: int = 26

    def __post_init__(self) -> None:
        check_connectivity(self.connectivity)

    def paint(self, canvas: Canvas) -> None:
        """Make the changes on `canvas`."""
        for region in reversed(largest_first(canvas.scheme, self.sizes)):
            gaps, sizes = holes(canvas.region(region), self.connectivity)
            gaps = keep_numbers(gaps, sizes <= self.sizes[region].in_voxels(canvas.voxel_mm3))
            gaps[canvas.box > 0] = 0
            canvas.paint(gaps, own_label(canvas.scheme, region), self.name, region)
