"""How much memory training a U-Net takes, by counting the numbers that it keeps for its gradients."""

from __future__ import annotations

import math
from collections.abc import Sequence

from glioscope.training.topology import Topology

__all__ = ["BYTES_PER_VALUE", "gibibytes", "values_kept"]

BYTES_PER_VALUE = 7.67
"""8 GiB for two patches of 5.6e8 values in half precision: nnU-Net's reference network (public planner)."""
RESIDUAL_BYTES_PER_VALUE = 6.32
"""8 GiB for two patches of 6.8e8: its reference network with a residual encoder."""


def values_kept(
    patch: Sequence[int],
    topology: Topology,
    features: Sequence[int],
    outputs: int,
    *,
    encoder: int | Sequence[int] = 2,
    decoder: int = 2,
    residual: bool = False,
    deep_supervision: bool = True,
) -> int:
    """Feature values of one patch, summed over the convolutions of a U-Net.

    Each stage of the encoder has `encoder` convolutions (blocks of two where `residual`, with a projection where it halves or
    widens, and one convolution before the first), each of the decoder a transposed one, `decoder` plain ones and, with deep
    supervision, one to the outputs.
    """
    size = [list(patch)]
    for stride in topology.strides[1:]:
        size.append([math.ceil(n / s) for n, s in zip(size[-1], stride, strict=True)])
    voxels = [math.prod(s) for s in size]
    stages = len(voxels)
    depth = [encoder] * stages if isinstance(encoder, int) else list(encoder)[:stages]
    total = 0
    for stage in range(stages):
        layers = depth[stage]
        if residual:
            layers = 2 * layers + 1  # the projection; in the first stage the convolution before it
        total += layers * features[stage] * voxels[stage]
    for stage in range(stages - 1):
        total += (decoder + 1) * features[stage] * voxels[stage]
        if deep_supervision or stage == 0:
            total += outputs * voxels[stage]
    return total


def gibibytes(values: int, batch: int, *, residual: bool = False) -> float:
    """Memory for training with patches of so many values, GiB."""
    return values * batch * (RESIDUAL_BYTES_PER_VALUE if residual else BYTES_PER_VALUE) / 2**30
