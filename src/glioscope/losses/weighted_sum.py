"""Losses added up."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from glioscope.losses.region_loss import RegionLoss

__all__ = ["WeightedSum"]


class WeightedSum(nn.Module):
    """The sum of losses, each times its weight.

    Attributes:
        terms: The losses.
        weights: One a loss.
        names: One a loss; a second loss of the same kind gets its position as a suffix.
        values: What each loss was at the last call, unweighted and detached, by name; for logs.
    """

    def __init__(self, terms: Sequence[RegionLoss], weights: Sequence[float], names: Sequence[str]) -> None:
        super().__init__()
        self.terms = nn.ModuleList(terms)
        self.weights = tuple(weights)
        self.names = tuple(name if name not in names[:i] else f"{name}-{i + 1}" for i, name in enumerate(names))
        self.values: dict[str, Tensor] = {}

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The weighted sum for logits and target `(N, K, X, Y, Z)`, a scalar."""
        values = [term(logits, target) for term in self.terms]
        self.values = {name: value.detach() for name, value in zip(self.names, values, strict=True)}
        total: Tensor = sum(weight * value for weight, value in zip(self.weights, values, strict=True))
        return total
