"""What every brain extraction engine is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from glioscope.core import ProcessingFailed, Volume

__all__ = ["BrainExtractor"]


class BrainExtractor(ABC):
    """An engine that finds the brain in the image of a head.

    Subclasses say whether they can run here (`check`) and segment an image whose axes run to the right, anterior and up
    (`_segment`); this class brings any orientation to that order and the mask back to the very grid given. Axes are only
    flipped and permuted, so no voxel is interpolated; an oblique grid stays oblique.
    """

    name: ClassVar[str]
    distribution: ClassVar[str]
    """The package on the index, for provenance."""

    @abstractmethod
    def check(self) -> None:
        """Raise EngineMissing, saying how to install it, where the engine or its weights are absent."""

    @abstractmethod
    def _segment(self, volume: Volume) -> NDArray[np.bool_]:
        """The mask of an image in RAS order, same shape; raises ProcessingFailed where the engine gives up."""

    def extract(self, volume: Volume) -> Volume:
        """The brain mask of `volume`, bool on the same grid.

        Args:
            volume: Image of a head with its skull, any of the four sequences, orientation and spacing.

        Raises:
            EngineMissing: the engine or its weights are not installed.
            ProcessingFailed: the engine gave up or found nothing.
        """
        self.check()
        mask = self._segment(volume.reoriented("RAS"))
        upright = volume.reoriented("RAS").with_data(mask)
        back = upright.reoriented(volume.grid.orientation)
        if not back.data.any():
            raise ProcessingFailed(f"Brain extraction ({self.name}) found no brain in the image.")
        return volume.with_data(np.ascontiguousarray(back.data, bool))
