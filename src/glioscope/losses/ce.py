"""Cross-entropy."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from glioscope.losses.region_loss import RegionLoss

__all__ = ["CrossEntropy", "voxelwise"]


class CrossEntropy(RegionLoss):
    """Mean of `-log p` of the true label (`softmax`), or of the binary cross-entropy of each region (`sigmoid`), over voxels.

    Papers that train regions print the formula for labels; regions overlap, so each has to be decided for itself, and the
    background of each has to count. An empty region is background everywhere.

    Source: nnU-Net (labels); Ren et al., BrainLes 2023, 2.3 (regions).
    """

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """See `RegionLoss.compute`."""
        return voxelwise(logits, target, self.activation).mean()


def voxelwise(logits: Tensor, target: Tensor, activation: str) -> Tensor:
    """Cross-entropy of each decision: `(N, 1, X, Y, Z)` for `softmax`, `(N, K, X, Y, Z)` for `sigmoid`."""
    if activation == "softmax":
        return functional.cross_entropy(logits, target, reduction="none")[:, None]
    return functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
