"""Mean squared error of probabilities."""

from __future__ import annotations

from torch import Tensor

from glioscope.losses.region_loss import RegionLoss

__all__ = ["MeanSquaredError"]


class MeanSquaredError(RegionLoss):
    """Mean over voxels and channels of `(p - g)^2`, from 0 to 1; an empty region is background everywhere.

    Source: Ren et al., BrainLes 2023, 2.3.
    """

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """See `RegionLoss.compute`."""
        return (self.probabilities(logits) - target).square().mean()
