"""Edge loss."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from glioscope.losses.region_loss import RegionLoss

__all__ = ["Edge", "edges"]

LARGEST = 16 * 3**0.5
"""Upper limit of an edge between 0 and 1: a full step along each axis at once."""


class Edge(RegionLoss):
    """Mean squared difference between the edges of the probabilities and the edges of the target, over foreground channels.

    Edges are the Euclidean norm of the three Sobel derivatives, a straight sharp border being 16. That is the scale on which
    the published weights (0.05, 0.005, 0.00015) bring the loss near the others; with `normalised` the edges are divided by
    their upper limit instead, to lie between 0 and 1. An empty region has no edges, so any edge found in it costs.

    Source: Ren et al., BrainLes 2023, 2.3, after Abderezaei et al. 2022.

    Args:
        activation: See `RegionLoss`; the background of `softmax` is left out.
        normalised: Whether edges are at most 1.
    """

    def __init__(self, activation: str = "sigmoid", normalised: bool = False) -> None:
        super().__init__(activation)
        self.scale = LARGEST if normalised else 1.0

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """See `RegionLoss.compute`."""
        found = edges(self.foreground(self.probabilities(logits)))
        return (found - edges(self.foreground(target))).square().mean() / self.scale**2


def edges(volumes: Tensor) -> Tensor:
    """Norm of the Sobel derivatives of `(N, K, X, Y, Z)`, the same shape; beyond the border the values go on as they are."""
    padded = functional.pad(volumes, (1, 1, 1, 1, 1, 1), mode="replicate")
    squares = torch.zeros_like(volumes)
    for axis in (2, 3, 4):
        derivative = padded
        for other in (2, 3, 4):
            derivative = _difference(derivative, other) if other == axis else _smooth(derivative, other)
        squares = squares + derivative.square()
    # The root has no slope at 0.
    return torch.sqrt(squares + 1e-12)


def _difference(volumes: Tensor, axis: int) -> Tensor:
    inner = volumes.shape[axis] - 2
    return volumes.narrow(axis, 2, inner) - volumes.narrow(axis, 0, inner)


def _smooth(volumes: Tensor, axis: int) -> Tensor:
    inner = volumes.shape[axis] - 2
    return volumes.narrow(axis, 0, inner) + 2 * volumes.narrow(axis, 1, inner) + volumes.narrow(axis, 2, inner)
