"""Only the largest components of a region stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from glioscope.core import InvalidImage
from glioscope.postprocessing.canvas import Canvas
from glioscope.postprocessing.components import check_connectivity, components, keep_numbers
from glioscope.postprocessing.label_step import LabelStep
from glioscope.postprocessing.regions import largest_first
from glioscope.postprocessing.size import Size

__all__ = ["KeepLargest"]


@dataclass(frozen=True)
class KeepLargest(LabelStep):
    """The largest components of a region stay, the others become background.

    Components as large as the last one kept stay too: which of two equal ones comes first is no reason.

    Attributes:
        region: Whose components.
        count: How many stay.
        spare: Components at least this large stay as well.
        connectivity: 26, 18 or 6: which voxels touch.
    """

    name: ClassVar[str] = "keep-largest"

    region: str
    count: int = 1
    spare: Size | None = None
    connectivity: int = 26

    def __post_init__(self) -> None:
        check_connectivity(self.connectivity)
        if self.count < 1:
            raise InvalidImage(f"Step '{self.name}' keeps at least 1 component, not {self.count}.")

    def paint(self, canvas: Canvas) -> None:
        """Make the changes on `canvas`."""
        largest_first(canvas.scheme, [self.region])
        parts, sizes = components(canvas.region(self.region), self.connectivity)
        if len(sizes) - 1 <= self.count:
            return
        least = float(np.sort(sizes)[-self.count])
        if self.spare is not None:
            least = min(least, self.spare.in_voxels(canvas.voxel_mm3))
        canvas.paint(keep_numbers(parts, sizes < least), 0, self.name, self.region)
