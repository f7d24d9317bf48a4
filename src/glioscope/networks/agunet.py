"""AGU-Net."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from glioscope.networks.attention_gate import AttentionGate
from glioscope.networks.blocks import double_convolution, he_initialise, norm_of
from glioscope.networks.volume_network import VolumeNetwork, parts_of

__all__ = ["AGUNet"]


class AGUNet(VolumeNetwork):
    """A U-Net for the whole volume: the image enters again at every level, gates weigh the skip connections, all levels learn.

    Five levels of two 3x3x3 convolutions with norm and ReLU, max pooling down, 3x3x3 transposed convolutions up. At levels 2
    to 4 the averaged image passes a convolution of its own and joins the features. The heads of the four decoder levels
    learn with equal weights.

    Source: Bouget et al., Frontiers in Radiology 2021, as configured by Helland et al., Scientific Reports 2023, 2.2.3, for
    volumes resized to 128 x 128 x 144. What their text leaves open (norm, place of the gate) follows their public program.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the logits.
        features: Channels of each level, from shallow to deep.
        multi_scale: Whether the image enters again at every level.
        gates: Whether skip connections are gated.
        norm: `batch`, or `instance`, which suits very small batches.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        features: Sequence[int] = (16, 32, 128, 256, 256),
        multi_scale: bool = True,
        gates: bool = True,
        norm: str = "batch",
    ) -> None:
        step = 2 ** (len(features) - 1)
        super().__init__((step, step, step), [1.0] * (len(features) - 1))
        *skipped, deepest = features
        extra = skipped[1:] if multi_scale else []
        self.entries = nn.ModuleList(
            nn.Sequential(nn.Conv3d(in_channels, width, 3, padding=1), nn.ReLU(inplace=True)) for width in extra
        )
        inputs = [in_channels, *features]
        joined = [0, *(extra or [0] * (len(skipped) - 1)), 0]
        self.encoder = nn.ModuleList(
            double_convolution(inputs[i] + joined[i], width, norm=norm, leak=0) for i, width in enumerate(features)
        )
        wide = [deepest, *skipped[:0:-1]]
        narrow = skipped[::-1]
        self.raises = nn.ModuleList(
            nn.Sequential(nn.ConvTranspose3d(w, n, 3, 2, padding=1, output_padding=1), norm_of(norm, n), nn.ReLU(inplace=True))
            for w, n in zip(wide, narrow, strict=True)
        )
        self.gates = nn.ModuleList(AttentionGate(n, n, max(n // 2, 1), norm) for n in narrow if gates)
        self.decoder = nn.ModuleList(double_convolution(2 * n, n, norm=norm, leak=0) for n in narrow)
        self.heads = nn.ModuleList(nn.Conv3d(n, out_channels, 1) for n in narrow)
        self.apply(he_initialise)

    def logits(self, image: Tensor) -> Tensor | list[Tensor]:
        """See `VolumeNetwork.logits`."""
        skips = [self.encoder[0](image)]
        for i, level in enumerate(self.encoder[1:]):
            x = functional.max_pool3d(skips[-1], 2)
            if i < len(self.entries):
                x = torch.cat([self.entries[i](functional.avg_pool3d(image, 2 ** (i + 1))), x], dim=1)
            skips.append(level(x))
        x = skips.pop()
        decoded = []
        for i, (up, level) in enumerate(zip(self.raises, self.decoder, strict=True)):
            x, skip = up(x), skips.pop()
            x = level(torch.cat([x, self.gates[i](x, skip) if self.gates else skip], dim=1))
            decoded.append(x)
        return self.headed(self.heads[::-1], decoded)

    def parts(self) -> dict[str, list[nn.Module]]:
        """See `VolumeNetwork.parts`; the gates belong to the decoder."""
        encoder: list[list[nn.Module]] = [[level] for level in self.encoder]
        for level, entry in zip(encoder[1:], self.entries, strict=False):
            level.append(entry)
        decoder = [list(pair) for pair in zip(self.raises, self.decoder, strict=True)]
        for modules, gate in zip(decoder, self.gates, strict=False):
            modules.append(gate)
        return parts_of(encoder, decoder)
