"""A U-Net that works at half resolution and answers at full."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from glioscope.core import InvalidImage
from glioscope.networks.blocks import double_convolution, he_initialise
from glioscope.networks.volume_network import VolumeNetwork, parts_of

__all__ = ["FoldedUNet"]


class FoldedUNet(VolumeNetwork):
    """A U-Net on blocks of 2 x 2 x 2 voxels, whose voxels are channels: nothing is lost, and no convolution sees the full grid.

    The full grid is where a U-Net of nnU-Net's shape spends more than half of its time, on features that hardly know where they
    are. Here a block's voxels come in as channels (space to depth), and the logits of its voxels go out as channels (depth to
    space, as in Shi et al., CVPR 2016). Between them: two 3x3x3 convolutions a level with instance norm and leaky ReLU, strided
    down, transposed up; heads at the finest `heads` levels for deep supervision, with weights 1, 1/2, 1/4 ...

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the logits.
        features: Channels of each level, from half resolution down.
        heads: Levels with a head, from the finest.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        features: Sequence[int] = (24, 48, 96, 160, 192),
        heads: int = 3,
    ) -> None:
        if len(features) < 2 or not 1 <= heads < len(features):
            raise InvalidImage(f"Network 'folded-unet' of {len(features)} levels cannot have {heads} heads.")
        step = 2 ** len(features)
        super().__init__((step, step, step), [0.5**i for i in range(heads)])
        inputs = [8 * in_channels, *features]
        self.encoder = nn.ModuleList(double_convolution(inputs[i], w, min(i + 1, 2)) for i, w in enumerate(features))
        shallower = list(zip(features[:0:-1], features[-2::-1], strict=True))
        self.raises = nn.ModuleList(nn.ConvTranspose3d(deep, shallow, 2, 2) for deep, shallow in shallower)
        self.decoder = nn.ModuleList(double_convolution(2 * shallow, shallow) for _, shallow in shallower)
        self.heads = nn.ModuleList(nn.Conv3d(width, 8 * out_channels, 1) for width in features[:heads])
        self.apply(he_initialise)

    def logits(self, image: Tensor) -> Tensor | list[Tensor]:
        """See `VolumeNetwork.logits`."""
        skips = [_folded(image)]
        for level in self.encoder:
            skips.append(level(skips[-1]))
        x, *skips = skips[:0:-1]
        decoded = []
        for up, level, skip in zip(self.raises, self.decoder, skips, strict=True):
            x = level(torch.cat([up(x), skip], dim=1))
            decoded.append(x)
        outputs = self.headed(self.heads, decoded[-len(self.heads) :])
        return _unfolded(outputs) if isinstance(outputs, Tensor) else [_unfolded(output) for output in outputs]

    def parts(self) -> dict[str, list[nn.Module]]:
        """See `VolumeNetwork.parts`."""
        decoder = [list(pair) for pair in zip(self.raises, self.decoder, strict=True)]
        return parts_of([[level] for level in self.encoder], decoder)


# Both by convolutions with kernels of zeros and a one: they carry no sizes into an exported graph.
def _folded(image: Tensor) -> Tensor:
    """(N, C, 2x, 2y, 2z) as (N, 8 C, x, y, z)."""
    channels = int(image.shape[1])
    return functional.conv3d(image, _corners(image, channels), stride=2, groups=channels)


def _unfolded(blocks: Tensor) -> Tensor:
    """(N, 8 K, x, y, z) as (N, K, 2x, 2y, 2z)."""
    channels = int(blocks.shape[1]) // 8
    return functional.conv_transpose3d(blocks, _corners(blocks, channels), stride=2, groups=channels)


def _corners(like: Tensor, channels: int) -> Tensor:
    """Kernels (8 channels, 1, 2, 2, 2): each takes one voxel of a block."""
    corners = torch.eye(8, dtype=like.dtype, device=like.device).reshape(8, 1, 2, 2, 2)
    return corners.repeat(channels, 1, 1, 1, 1)
