"""Binary cross-entropy."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from glioscope.core import InvalidImage
from glioscope.losses.region_loss import RegionLoss

__all__ = ["BinaryCrossEntropy"]


class BinaryCrossEntropy(RegionLoss):
    """Mean over voxels and regions of `-(g log p + (1 - g) log(1 - p))`; an empty region is background everywhere.

    Raises:
        InvalidImage: the activation is not `sigmoid`.
    """

    def __init__(self, activation: str = "sigmoid") -> None:
        if activation != "sigmoid":
            raise InvalidImage("Loss 'bce' is for regions (sigmoid); for labels (softmax) take 'ce'.")
        super().__init__(activation)

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """See `RegionLoss.compute`."""
        return functional.binary_cross_entropy_with_logits(logits, target)
