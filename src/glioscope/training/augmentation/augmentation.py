"""What an augmentation is: it says what part of the exam it wants to see, and makes a patch of it."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from torch import Tensor

from glioscope.training.augmentation.warp import Warp

__all__ = ["OUTSIDE", "Augmentation"]

OUTSIDE = -1
"""Label of voxels outside the brain, while a patch is changed."""


class Augmentation(ABC):
    """A random change of patches, the same for the same generator state.

    What rotation and scaling will do is drawn first, so that exactly the voxels needed are read: most patches are not warped
    at all, and a warped one has no empty corners.

    Attributes:
        patch: Voxels of the result along each axis.
        spacing: mm of a voxel along each axis.
    """

    def __init__(self, patch: tuple[int, int, int], spacing: tuple[float, float, float]) -> None:
        self.patch = patch
        self.spacing = spacing

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> Warp:
        """The geometry of one patch."""

    @abstractmethod
    def apply(self, image: Tensor, labels: Tensor, warp: Warp, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """The patch.

        Args:
            image: float32 (C, *warp.size), which may be changed in place.
            labels: int16 (1, *warp.size), OUTSIDE where there is no brain.
            warp: What `draw` gave.
            rng: The generator that `draw` had.

        Returns:
            image float32 (C, *patch) and labels int16 (1, *patch).
        """
