"""What every network of this package is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["VolumeNetwork", "parts_of"]


class VolumeNetwork(nn.Module, ABC):
    """A network from image channels to logits on the same grid.

    Input `(N, C, X, Y, Z)` float of any size, output `(N, K, X, Y, Z)` logits. In training mode with `deep_supervision` it
    returns a list instead, full resolution first, then half, quarter ..., if it has heads there. An image whose sides are
    no multiples of `divisor` is padded with zeros at their ends, and the logits are cut to its size.

    Attributes:
        divisor: What the sides of a patch should be multiples of.
        deep_supervision: Whether training returns coarser logits too; without effect on networks that have none.
        supervision_weights: Weights of the resolutions in the published loss, the finest first; None for those of nnU-Net
            (1, 1/2, 1/4 ..., 0 for the coarsest). Meant for `glioscope.losses.deep_supervision.DeepSupervision`.
        extra_loss: A loss of the last forward in training that the network brings itself, already weighted; None for most.
    """

    def __init__(self, divisor: Sequence[int], supervision_weights: Sequence[float] | None = None) -> None:
        super().__init__()
        x, y, z = divisor
        self.divisor: tuple[int, int, int] = (int(x), int(y), int(z))
        self.deep_supervision = False
        self.supervision_weights = None if supervision_weights is None else tuple(supervision_weights)
        self.extra_loss: Tensor | None = None

    def forward(self, image: Tensor) -> Tensor | list[Tensor]:
        """Logits of `image`, or a list of them in training with deep supervision."""
        # Plain integers, so that an exported graph does not carry the arithmetic of sizes.
        size = [int(side) for side in image.shape[2:]]
        padded = self._padded(size)
        outputs = self.logits(image if padded == size else _pad(image, size, padded))
        if isinstance(outputs, Tensor):
            return _cut(outputs, size, padded)
        return [_cut(output, size, padded) for output in outputs]

    @abstractmethod
    def logits(self, image: Tensor) -> Tensor | list[Tensor]:
        """Logits of an image whose sides are multiples of `divisor`; a list only where `supervised` is true."""

    @abstractmethod
    def parts(self) -> dict[str, list[nn.Module]]:
        """What transfer learning can freeze: `encoder`, `middle` and `decoder`; see `parts_of`."""

    @property
    def supervised(self) -> bool:
        """Whether coarser logits are wanted now."""
        return self.training and self.deep_supervision

    def headed(self, heads: nn.ModuleList, decoded: Sequence[Tensor]) -> Tensor | list[Tensor]:
        """The finest logits, or where `supervised` those of every head.

        Args:
            heads: From the finest to the coarsest.
            decoded: What each of them is for, from the coarsest to the finest.
        """
        if not self.supervised:
            finest: Tensor = heads[0](decoded[-1])
            return finest
        return [head(features) for head, features in zip(heads, reversed(decoded), strict=True)]

    def __getstate__(self) -> dict[str, Any]:
        # A loss in the middle of a graph can neither be copied nor pickled.
        return {**self.__dict__, "extra_loss": None}

    def _padded(self, size: Sequence[int]) -> list[int]:
        padded = [-(-side // d) * d for side, d in zip(size, self.divisor, strict=True)]
        # Instance norm needs more than one voxel at the bottom.
        if padded == list(self.divisor):
            padded[-1] *= 2
        return padded


def parts_of(encoder: Sequence[Sequence[nn.Module]], decoder: Sequence[Sequence[nn.Module]]) -> dict[str, list[nn.Module]]:
    """The modules that make the encoder, the middle and the decoder.

    The middle is the deeper half of both: of seven levels, encoder levels 5 to 7 and decoder levels 6 to 4 (Ren et al.,
    BrainLes 2023, 2.7). The output heads belong to none, so that regions that the first cohort did not have can be learnt.

    Args:
        encoder: The modules of each level, from shallow to deep, the deepest being the bottleneck.
        decoder: The modules of each level, from deep to shallow.
    """
    half = len(encoder) // 2
    middle = [*encoder[-half:], *decoder[:half]]
    named = {"encoder": encoder, "middle": middle, "decoder": decoder}
    return {name: [module for level in levels for module in level] for name, levels in named.items()}


def _pad(image: Tensor, size: Sequence[int], padded: Sequence[int]) -> Tensor:
    ends = [end for have, want in zip(reversed(size), reversed(padded), strict=True) for end in (0, want - have)]
    return functional.pad(image, ends)


def _cut(output: Tensor, size: Sequence[int], padded: Sequence[int]) -> Tensor:
    for axis, (side, want) in enumerate(zip(size, padded, strict=True), start=2):
        if side != want:
            output = torch.narrow(output, axis, 0, -(-side * int(output.shape[axis]) // want))
    return output
