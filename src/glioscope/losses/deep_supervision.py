"""One loss for all resolutions of a network's answer."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from glioscope.core import InvalidImage

__all__ = ["DeepSupervision"]


class DeepSupervision(nn.Module):
    """The weighted mean of a loss over outputs from full resolution down; a single tensor gets the loss as it is.

    The target is taken to the size of each output by nearest neighbour.

    Source: nnU-Net (Isensee et al., Nature Methods 2021).

    Args:
        loss: Loss of logits and target.
        weights: One an output, the finest first; normalised to sum 1. Where None: 1, 1/2, 1/4 ... and 0 for the coarsest.
    """

    def __init__(self, loss: nn.Module, weights: Sequence[float] | None = None) -> None:
        super().__init__()
        if weights is not None and (sum(weights) <= 0 or min(weights) < 0):
            raise InvalidImage(f"Deep supervision needs weights from 0 up, one above 0 at least, not {list(weights)}.")
        self.loss = loss
        self.weights = weights

    def forward(self, outputs: Tensor | Sequence[Tensor], target: Tensor) -> Tensor:
        """The loss for `outputs` `(N, K, ...)`, one or a sequence, and the target `(N, K, X, Y, Z)` at full resolution."""
        if isinstance(outputs, Tensor):
            value: Tensor = self.loss(outputs, target)
            return value
        pairs = [(w, output) for w, output in zip(self._weights(len(outputs)), outputs, strict=True) if w > 0]
        # The finest last, so that what the loss keeps for logs is of full resolution.
        values = [w * self.loss(output, _at_size_of(output, target)) for w, output in reversed(pairs)]
        total: Tensor = sum(values)
        return total

    def _weights(self, count: int) -> list[float]:
        weights = self.weights
        if weights is None:
            weights = [0.5**i for i in range(count)]
            weights[-1] = weights[-1] if count == 1 else 0.0
        if len(weights) != count:
            raise InvalidImage(f"Deep supervision has {len(weights)} weights, but the network gives {count} outputs.")
        return [w / sum(weights) for w in weights]


def _at_size_of(output: Tensor, target: Tensor) -> Tensor:
    size = list(output.shape[2:])
    return target if list(target.shape[2:]) == size else functional.interpolate(target.float(), size=size, mode="nearest-exact")
