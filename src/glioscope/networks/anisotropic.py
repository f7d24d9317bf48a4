"""The anisotropic residual network of Wang et al. 2017: wide context within slices, a little between them."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from glioscope.core import InvalidImage
from glioscope.networks.volume_network import VolumeNetwork

__all__ = ["REACH", "AnisotropicNetwork"]

REACH = 4
"""Slices on either side that an output slice depends on: those at the ends of a volume need so many beyond it."""


class AnisotropicNetwork(VolumeNetwork):
    """Residual 3x3 convolutions within slices, dilated in the middle; four 3-slice convolutions between slices; three scales
    of features brought back to full size and joined for the prediction.

    The slices run along the last axis (Z). WNet and TNet of the paper halve the slices twice, ENet, which looks for small
    things, once. Outputs have the size of the input; the `REACH` slices at either end have seen zeros beyond the volume.

    Args:
        in_channels: Input channels C.
        out_channels: Output channels K.
        features: Channels of every inner layer.
        halvings: How often slices are halved, 1 or 2.
        statistics: In evaluation, normalise by the statistics of the volume at hand (`local`, as the published program does)
            or by those kept from training (`kept`).

    Raises:
        InvalidImage: another number of halvings or word for the statistics.

    Source:
        Wang, Li, Ourselin, Vercauteren: Automatic brain tumor segmentation using cascaded anisotropic convolutional neural
        networks. BrainLes 2017, section 2.2 and figure 2; sizes that the paper leaves open as in the published weights.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        features: int = 32,
        halvings: int = 2,
        statistics: Literal["local", "kept"] = "kept",
    ) -> None:
        if halvings not in (1, 2):
            raise InvalidImage(f"Network 'anisotropic' halves its slices 1 or 2 times, not {halvings}.")
        if statistics not in ("local", "kept"):
            raise InvalidImage(f"'statistics' of network 'anisotropic' is local or kept, not '{statistics}'.")
        super().__init__((2**halvings, 2**halvings, 1))
        kept = statistics == "kept"

        def blocks(*dilations: int, first: int = features) -> nn.Sequential:
            widths = [first, *[features] * (len(dilations) - 1)]
            return nn.Sequential(*[_Residual(w, features, d, kept) for w, d in zip(widths, dilations, strict=True)])

        def raised(channels: int, times: int) -> nn.Sequential:
            steps = [_Unit(_Doubled(features if t == 0 else channels, channels), channels, kept) for t in range(times)]
            return nn.Sequential(*steps)

        self.stage1 = blocks(1, 1, first=in_channels)
        self.fuse1 = _Unit(_between(features), features, kept)
        self.halve1 = _Unit(_Halved(features), features, kept) if halvings == 2 else nn.Identity()
        self.stage2 = blocks(1, 1)
        self.fuse2 = _Unit(_between(features), features, kept)
        self.halve2 = _Unit(_Halved(features), features, kept)
        self.stage3 = blocks(1, 2, 3)
        self.fuse3 = _Unit(_between(features), features, kept)
        self.stage4 = blocks(3, 2, 1)
        self.fuse4 = _Unit(_between(features), features, kept)
        self.raise1: nn.Module = raised(out_channels, 1) if halvings == 2 else _within(features, out_channels)
        self.raise2 = raised(2 * out_channels, halvings)
        self.raise3 = raised(4 * out_channels, halvings)
        self.predict = _within(7 * out_channels, out_channels)

    def logits(self, image: Tensor) -> Tensor:
        """See `VolumeNetwork.logits`."""
        fine = self.fuse1(self.stage1(image.permute(0, 1, 4, 3, 2)))
        fine = self.fuse2(self.stage2(self.halve1(fine)))
        middle = self.fuse3(self.stage3(self.halve2(fine)))
        coarse = self.fuse4(self.stage4(middle))
        joined = torch.cat([self.raise1(fine), self.raise2(middle), self.raise3(coarse)], 1)
        logits: Tensor = self.predict(joined)
        return logits.permute(0, 1, 4, 3, 2)

    def parts(self) -> dict[str, list[nn.Module]]:
        """See `VolumeNetwork.parts`; the middle are the dilated blocks at the coarsest scale."""
        return {
            "encoder": [self.stage1, self.fuse1, self.halve1, self.stage2, self.fuse2, self.halve2],
            "middle": [self.stage3, self.fuse3, self.stage4, self.fuse4],
            "decoder": [self.raise1, self.raise2, self.raise3],
        }


class _Residual(nn.Module):
    """Twice normalisation, PReLU and a 3x3 convolution within slices, added to the input; new channels start at zero."""

    def __init__(self, in_channels: int, out_channels: int, dilation: int, kept: bool) -> None:
        super().__init__()
        self.norm1, self.activation1 = _norm(in_channels, kept), nn.PReLU(in_channels)
        self.convolution1 = _within(in_channels, out_channels, dilation)
        self.norm2, self.activation2 = _norm(out_channels, kept), nn.PReLU(out_channels)
        self.convolution2 = _within(out_channels, out_channels, dilation)
        before = (out_channels - in_channels) // 2
        self.new = (before, out_channels - in_channels - before)

    def forward(self, x: Tensor) -> Tensor:
        out = self.convolution1(self.activation1(self.norm1(x)))
        out = self.convolution2(self.activation2(self.norm2(out)))
        kept = functional.pad(x, (0, 0, 0, 0, 0, 0, *self.new)) if any(self.new) else x
        total: Tensor = out + kept
        return total


class _Unit(nn.Module):
    """A convolution, normalisation and PReLU."""

    def __init__(self, convolution: nn.Module, channels: int, kept: bool) -> None:
        super().__init__()
        self.convolution, self.norm, self.activation = convolution, _norm(channels, kept), nn.PReLU(channels)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.activation(self.norm(self.convolution(x)))
        return out


class _Halved(nn.Conv3d):
    """3x3 convolution within slices at every other voxel, beginning with the first: the grid is extended at its far end."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, (1, 3, 3), stride=(1, 2, 2), bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = super().forward(functional.pad(x, (0, 1, 0, 1)))
        return out


class _Doubled(nn.ConvTranspose3d):
    """The transpose of `_Halved`: slices of twice the size."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, (1, 3, 3), stride=(1, 2, 2), bias=False)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        out: Tensor = super().forward(x, output_size)
        return out[..., :-1, :-1]


def _within(in_channels: int, out_channels: int, dilation: int = 1) -> nn.Conv3d:
    spread = (dilation, dilation)
    return nn.Conv3d(in_channels, out_channels, (1, 3, 3), padding=(0, *spread), dilation=(1, *spread), bias=False)


def _between(channels: int) -> nn.Conv3d:
    return nn.Conv3d(channels, channels, (3, 1, 1), padding=(1, 0, 0), bias=False)


def _norm(channels: int, kept: bool) -> nn.BatchNorm3d:
    return nn.BatchNorm3d(channels, eps=1e-5, track_running_stats=kept)
