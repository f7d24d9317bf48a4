"""Cross-entropy of the worst voxels."""

from __future__ import annotations

import torch
from torch import Tensor

from glioscope.core import InvalidImage
from glioscope.losses.ce import voxelwise
from glioscope.losses.region_loss import RegionLoss

__all__ = ["TopK"]


class TopK(RegionLoss):
    """Mean cross-entropy of the worst `percent` % of all decisions of the batch: voxels (`softmax`) or voxels times regions.

    The BraTS 2021 loss ensembles print a division by all voxels, which only scales it; the mean of those kept is what
    nnU-Net computes, and what keeps it comparable with cross-entropy. At least one decision is kept.

    Source: Wu et al. 2016; nnU-Net with region-based training and loss ensembles, BraTS 2021.
    """

    def __init__(self, activation: str = "sigmoid", percent: float = 10.0) -> None:
        if not 0 < percent <= 100:
            raise InvalidImage(f"Loss 'topk' needs a percentage above 0 and up to 100, not {percent}.")
        super().__init__(activation)
        self.percent = percent

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """See `RegionLoss.compute`."""
        entropy = voxelwise(logits, target, self.activation).flatten()
        kept = max(1, int(entropy.numel() * self.percent / 100))
        return torch.topk(entropy, kept, sorted=False).values.mean()
