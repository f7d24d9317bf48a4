"""Attention gate on a skip connection."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from glioscope.networks.blocks import norm_of

__all__ = ["AttentionGate"]


class AttentionGate(nn.Module):
    """Scales each voxel of a skip connection by 0 to 1, judged from it and from the decoder's features at the same resolution.

    Both are projected to `inner` channels and concatenated, rectified, projected to one channel and squashed by a sigmoid.

    Source: Oktay et al., MIDL 2018, in the form that Bouget et al., Frontiers in Radiology 2021, use: at the resolution of the
    skip connection, concatenated instead of added.
    """

    def __init__(self, gate: int, skip: int, inner: int, norm: str) -> None:
        super().__init__()
        self.of_gate = nn.Sequential(nn.Conv3d(gate, inner, 1), norm_of(norm, inner))
        self.of_skip = nn.Sequential(nn.Conv3d(skip, inner, 1), norm_of(norm, inner))
        self.weight = nn.Sequential(nn.ReLU(inplace=True), nn.Conv3d(2 * inner, 1, 1), norm_of(norm, 1), nn.Sigmoid())

    def forward(self, gate: Tensor, skip: Tensor) -> Tensor:
        """`skip` `(N, S, X, Y, Z)` scaled, given `gate` `(N, G, X, Y, Z)`."""
        return skip * self.coefficients(gate, skip)

    def coefficients(self, gate: Tensor, skip: Tensor) -> Tensor:
        """What each voxel is scaled by, `(N, 1, X, Y, Z)` from 0 to 1."""
        weight: Tensor = self.weight(torch.cat([self.of_gate(gate), self.of_skip(skip)], dim=1))
        return weight
