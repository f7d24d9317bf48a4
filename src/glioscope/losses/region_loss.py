"""What every loss of this package is."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

__all__ = ["RegionLoss"]


class RegionLoss(nn.Module, ABC):
    """A loss of logits `(N, K, X, Y, Z)` against a target of the same shape, 0 and 1.

    The channels are regions, decided one by one (`sigmoid`), or labels with the background first, of which each voxel has one
    (`softmax`). Logits of half precision are taken to float32 first: sums over millions of voxels need it.
    """

    def __init__(self, activation: str = "sigmoid") -> None:
        super().__init__()
        self.activation = activation

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss, a scalar."""
        # Under autocast some operations would go back to half precision.
        with torch.autocast(logits.device.type, enabled=False):
            exact = logits if logits.dtype == torch.float64 else logits.float()
            return self.compute(exact, target.to(exact.dtype))

    @abstractmethod
    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss of `logits` and a `target` of the same floating-point type."""

    def probabilities(self, logits: Tensor) -> Tensor:
        """Probabilities, the shape of `logits`."""
        return torch.softmax(logits, dim=1) if self.activation == "softmax" else torch.sigmoid(logits)

    def foreground(self, channels: Tensor) -> Tensor:
        """The channels that are no background: all regions, or all labels but the first."""
        return channels[:, 1:] if self.activation == "softmax" else channels
