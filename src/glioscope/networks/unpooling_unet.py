"""nnU-Net with max pooling and unpooling."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from glioscope.core import InvalidImage
from glioscope.networks.blocks import ConvNorm, double_convolution, he_initialise
from glioscope.networks.volume_network import VolumeNetwork, parts_of

__all__ = ["UnpoolingUNet"]


class UnpoolingUNet(VolumeNetwork):
    """A U-Net that remembers where each maximum came from and puts the features back there, instead of transposed convolutions.

    Two convolutions a level. The second of a decoder level gives as many channels as the next level's stored places, so each
    head reads that width. With 4 inputs and 3 outputs it has the published 27,663,648 parameters.

    Source: nnSegNet, BrainLes 2021.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the logits.
        features: Channels of each level, from shallow to deep; the deepest two alike, so that what is unpooled first fits.

    Raises:
        InvalidImage: the deepest two levels differ.
    """

    def __init__(self, in_channels: int, out_channels: int, features: Sequence[int] = (32, 64, 128, 256, 320, 320)) -> None:
        if len(features) < 2 or features[-1] != features[-2]:
            raise InvalidImage(f"Network 'unpooling-unet' needs deepest two levels of one width, not {list(features)}.")
        step = 2 ** (len(features) - 1)
        super().__init__((step, step, step))
        inputs = [in_channels, *features]
        self.encoder = nn.ModuleList(double_convolution(inputs[i], width) for i, width in enumerate(features))
        widths = list(features[-2::-1])
        outputs = [*widths[1:], widths[-1]]
        self.decoder = nn.ModuleList(
            nn.Sequential(ConvNorm(2 * width, width), ConvNorm(width, out)) for width, out in zip(widths, outputs, strict=True)
        )
        self.heads = nn.ModuleList(nn.Conv3d(width, out_channels, 1, bias=False) for width in outputs)
        self.apply(he_initialise)

    def logits(self, image: Tensor) -> Tensor | list[Tensor]:
        """See `VolumeNetwork.logits`."""
        x, skips, places = image, [], []
        for level in self.encoder[:-1]:
            skip = level(x)
            x, place = functional.max_pool3d(skip, 2, return_indices=True)
            skips.append(skip)
            places.append(place)
        x = self.encoder[-1](x)
        decoded = []
        for level in self.decoder:
            skip = skips.pop()
            x = level(torch.cat([_unpool(x, places.pop(), skip), skip], dim=1))
            decoded.append(x)
        return self.headed(self.heads[::-1], decoded)

    def parts(self) -> dict[str, list[nn.Module]]:
        """See `VolumeNetwork.parts`."""
        return parts_of([[level] for level in self.encoder], [[level] for level in self.decoder])


def _unpool(pooled: Tensor, places: Tensor, like: Tensor) -> Tensor:
    # The same as torch's max_unpool3d, which neither ONNX nor OpenVINO can say.
    empty = torch.zeros_like(like).flatten(2)
    return empty.scatter(2, places.flatten(2), pooled.flatten(2).to(empty.dtype)).view_as(like)
