"""Focal loss."""

from __future__ import annotations

import torch
from torch import Tensor

from glioscope.core import InvalidImage
from glioscope.losses.ce import voxelwise
from glioscope.losses.region_loss import RegionLoss

__all__ = ["Focal"]


class Focal(RegionLoss):
    """Mean of `-(1 - p)^gamma log p`, p being the probability of what is true; over voxels (`softmax`) or voxels and regions.

    Source: Lin et al., ICCV 2017, equations 4 and 5.

    Args:
        activation: See `RegionLoss`.
        gamma: How much less an easy voxel counts; 0, which is cross-entropy, or from 1 up.
        alpha: Weight of foreground, with 1 - alpha for background; both 1 where None.

    Raises:
        InvalidImage: gamma is below 0 or between 0 and 1, where the slope at a perfect voxel is infinite.
    """

    def __init__(self, activation: str = "sigmoid", gamma: float = 2.0, alpha: float | None = None) -> None:
        if gamma < 0 or 0 < gamma < 1:
            raise InvalidImage(f"Loss 'focal' needs a gamma of 0 or from 1 up, not {gamma}.")
        super().__init__(activation)
        self.gamma = gamma
        self.alpha = alpha

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """See `RegionLoss.compute`."""
        entropy = voxelwise(logits, target, self.activation)
        focal = (-torch.expm1(-entropy)) ** self.gamma * entropy
        if self.alpha is not None:
            foreground = 1 - target[:, :1] if self.activation == "softmax" else target
            focal = focal * (self.alpha * foreground + (1 - self.alpha) * (1 - foreground))
        return focal.mean()
