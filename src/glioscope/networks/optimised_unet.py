"""The optimised U-Net."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from glioscope.core import InvalidImage
from glioscope.networks.blocks import double_convolution, he_initialise
from glioscope.networks.volume_network import VolumeNetwork, parts_of

__all__ = ["OptimisedUNet"]


class OptimisedUNet(VolumeNetwork):
    """Seven levels, widths found by experiment, and heads at the finest three levels, which learn with weights 1, 1/2, 1/4.

    Each level is two 3x3x3 convolutions with instance norm and leaky ReLU, strided down, transposed up. Of the middle of
    Ren et al. (encoder levels 5 to 7, decoder levels 6 to 4) nothing is left out and nothing added; see `parts`.

    Source: Futrega et al., BrainLes 2021, sections 3.3 and 3.4; baseline of Ren et al., BrainLes 2023, 2.2.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the logits.
        features: Channels of each level, from shallow to deep.
        heads: Levels with a head, from the finest.
        foreground_channel: Whether the network adds a channel that is 1 where any input channel is not 0, as Futrega et al.
            feed theirs; only sensible where the background stays 0 through augmentation.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        features: Sequence[int] = (64, 96, 128, 192, 256, 384, 512),
        heads: int = 3,
        foreground_channel: bool = False,
    ) -> None:
        if not 1 <= heads < len(features):
            raise InvalidImage(f"Network 'optimised-unet' can have 1 to {len(features) - 1} heads, not {heads}.")
        step = 2 ** (len(features) - 1)
        super().__init__((step, step, step), [0.5**i for i in range(heads)])
        self.foreground_channel = foreground_channel
        inputs = [in_channels + foreground_channel, *features]
        self.encoder = nn.ModuleList(double_convolution(inputs[i], w, min(i + 1, 2)) for i, w in enumerate(features))
        shallower = list(zip(features[:0:-1], features[-2::-1], strict=True))
        self.raises = nn.ModuleList(nn.ConvTranspose3d(deep, shallow, 2, 2) for deep, shallow in shallower)
        self.decoder = nn.ModuleList(double_convolution(2 * shallow, shallow) for _, shallow in shallower)
        self.heads = nn.ModuleList(nn.Conv3d(width, out_channels, 1) for width in features[:heads])
        self.apply(he_initialise)

    def logits(self, image: Tensor) -> Tensor | list[Tensor]:
        """See `VolumeNetwork.logits`."""
        if self.foreground_channel:
            image = torch.cat([image, (image != 0).any(dim=1, keepdim=True).to(image.dtype)], dim=1)
        skips = [image]
        for level in self.encoder:
            skips.append(level(skips[-1]))
        x, *skips = skips[:0:-1]
        decoded = []
        for up, level, skip in zip(self.raises, self.decoder, skips, strict=True):
            x = level(torch.cat([up(x), skip], dim=1))
            decoded.append(x)
        return self.headed(self.heads, decoded[-len(self.heads) :])

    def parts(self) -> dict[str, list[nn.Module]]:
        """See `VolumeNetwork.parts`."""
        decoder = [list(pair) for pair in zip(self.raises, self.decoder, strict=True)]
        return parts_of([[level] for level in self.encoder], decoder)
