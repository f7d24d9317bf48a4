"""Patches as they are."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from glioscope.training.augmentation.augmentation import Augmentation
from glioscope.training.augmentation.warp import Warp

__all__ = ["Unchanged"]


class Unchanged(Augmentation):
    """Changes nothing."""

    def draw(self, rng: np.random.Generator) -> Warp:
        """The patch itself."""
        return Warp(self.patch)

    def apply(self, image: Tensor, labels: Tensor, warp: Warp, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Both as they came."""
        return image, labels
