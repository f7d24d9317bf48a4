"""A volume with its unit: cubic millimetres, or voxels of whatever size they have."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from glioscope.core import InvalidImage

__all__ = ["Size", "Unit"]

Unit = Literal["mm3", "voxels"]


@dataclass(frozen=True)
class Size:
    """How much tissue.

    Attributes:
        value: At least 0 and finite.
        unit: `mm3`, the same tissue on every grid, or `voxels`.

    Raises:
        InvalidImage: a negative or infinite value, or another unit.
    """

    value: float
    unit: Unit = "mm3"

    def __post_init__(self) -> None:
        if self.unit not in get_args(Unit):
            raise InvalidImage(f"A size has the unit mm3 or voxels, not '{self.unit}'.")
        number = isinstance(self.value, int | float) and not isinstance(self.value, bool)
        if not number or not math.isfinite(self.value) or self.value < 0:
            raise InvalidImage(f"A size is a number from 0 on, not {self.value!r}.")

    def in_voxels(self, voxel_mm3: float) -> float:
        """The size in voxels of `voxel_mm3` each, to a millionth of a voxel: a count compares as exact arithmetic would."""
        return self.value if self.unit == "voxels" else round(self.value / voxel_mm3, 6)

    def document(self) -> dict[str, float]:
        """JSON-ready: `{"mm3": 50}`."""
        return {self.unit: self.value}

    @staticmethod
    def of(document: Any) -> Size:  # noqa: ANN401
        """The size that `document` wrote; raises InvalidImage for anything else."""
        if not isinstance(document, Mapping) or len(document) != 1:
            raise InvalidImage(f'A size is written {{"mm3": 50}} or {{"voxels": 50}}, not {document!r}.')
        ((unit, value),) = document.items()
        return Size(value, unit)
