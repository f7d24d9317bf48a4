"""A plain residual U-Net."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from glioscope.networks.blocks import LEAK, ConvNorm, he_initialise, norm_of
from glioscope.networks.volume_network import VolumeNetwork, parts_of

__all__ = ["ResUNet3D"]


class ResUNet3D(VolumeNetwork):
    """A U-Net of one residual block a level, one head.

    Source: 3D ResUNet, BrainLes 2021, which gives its sizes in a figure that is not at hand: widths, norm and activation are
    ours, those of nnU-Net at half the first width, with one level less.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the logits.
        features: Channels of each level, from shallow to deep.
    """

    def __init__(self, in_channels: int, out_channels: int, features: Sequence[int] = (16, 32, 64, 128, 256)) -> None:
        step = 2 ** (len(features) - 1)
        super().__init__((step, step, step))
        inputs = [in_channels, *features]
        self.encoder = nn.ModuleList(_Residual(inputs[i], width, min(i + 1, 2)) for i, width in enumerate(features))
        shallower = list(zip(features[:0:-1], features[-2::-1], strict=True))
        self.raises = nn.ModuleList(nn.ConvTranspose3d(deep, shallow, 2, 2) for deep, shallow in shallower)
        self.decoder = nn.ModuleList(_Residual(2 * shallow, shallow, 1) for _, shallow in shallower)
        self.head = nn.Conv3d(features[0], out_channels, 1)
        self.apply(he_initialise)

    def logits(self, image: Tensor) -> Tensor:
        """See `VolumeNetwork.logits`."""
        x, skips = image, []
        for level in self.encoder:
            x = level(x)
            skips.append(x)
        for up, level, skip in zip(self.raises, self.decoder, skips[-2::-1], strict=True):
            x = level(torch.cat([up(x), skip], dim=1))
        logits: Tensor = self.head(x)
        return logits

    def parts(self) -> dict[str, list[nn.Module]]:
        """See `VolumeNetwork.parts`."""
        decoder = [list(pair) for pair in zip(self.raises, self.decoder, strict=True)]
        return parts_of([[level] for level in self.encoder], decoder)


class _Residual(nn.Module):
    """Two convolutions beside a 1x1x1 one, added and rectified."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            ConvNorm(inputs, outputs, stride), nn.Conv3d(outputs, outputs, 3, padding=1), norm_of("instance", outputs)
        )
        self.shortcut = nn.Sequential(nn.Conv3d(inputs, outputs, 1, stride), norm_of("instance", outputs))
        self.act = nn.LeakyReLU(LEAK, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.act(self.main(x) + self.shortcut(x))
        return result
