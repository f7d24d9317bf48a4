"""Generalised Dice."""

from __future__ import annotations

import torch
from torch import Tensor

from glioscope.losses.region_loss import RegionLoss

__all__ = ["GeneralisedDice"]


class GeneralisedDice(RegionLoss):
    """One minus `2 sum_k w_k sum(p g) / sum_k w_k (sum p + sum g)` with `w_k = 1 / (voxels of class k)^2`, mean over exams.

    A class without voxels would have infinite weight; it gets the weight of the rarest class that is there, or 1 where none
    is, so that what is falsely found always costs.

    Source: Sudre et al., DLMIA 2017, section 2.1.

    Args:
        activation: See `RegionLoss`; with `softmax` the background is a class too, as in the source.
        smooth: What is added to numerator and denominator, so that nothing found where nothing is costs nothing.
    """

    def __init__(self, activation: str = "sigmoid", smooth: float = 1e-5) -> None:
        super().__init__(activation)
        self.smooth = smooth

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """See `RegionLoss.compute`."""
        p, axes = self.probabilities(logits), (2, 3, 4)
        voxels = target.sum(axes)
        weights = _weights(voxels)
        # By the largest weight, so that `smooth` means the same for large and small exams.
        weights = weights / weights.amax(dim=1, keepdim=True)
        overlap = (weights * (p * target).sum(axes)).sum(1)
        sizes = (weights * (p.sum(axes) + voxels)).sum(1)
        return 1 - ((2 * overlap + self.smooth) / (sizes + self.smooth)).mean()


def _weights(voxels: Tensor) -> Tensor:
    there = voxels > 0
    weights = torch.where(there, 1 / voxels.clamp_min(1).square(), 0)
    rarest = weights.amax(dim=1, keepdim=True)
    return torch.where(there, weights, torch.where(rarest > 0, rarest, 1))
