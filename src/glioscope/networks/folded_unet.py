"""A U-Net that works at half resolution and answers at full."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from glioscope.core import InvalidImage
from glioscope.networks.optimised_unet import OptimisedUNet

__all__ = ["FoldedUNet"]


class FoldedUNet(OptimisedUNet):
    """A U-Net on blocks of 2 x 2 x 2 voxels, whose voxels are channels: nothing is lost, and no convolution sees the full grid.

    The full grid is where a U-Net of nnU-Net's shape spends more than half of its time, on features that hardly know where they
    are. Here a block's voxels come in as channels (space to depth), and the logits of its voxels go out as channels (depth to
    space, as in Shi et al., CVPR 2016). Between them lies an `OptimisedUNet`.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the logits.
        features: Channels of each level, from half resolution down.
        heads: Levels with a head, from the finest.
        direct: Rows of channel, region and weight (counted from 0): what of the input is added to the logits as it is. Where a
            channel is what another segmenter believes, from -1 to 1, the network learns what to add to that belief. The
            weights are learnt, too. Nothing is added where empty.

    Raises:
        InvalidImage: a level too few, or a row that names no channel or region.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        features: Sequence[int] = (24, 48, 96, 160, 192),
        heads: int = 3,
        direct: Sequence[tuple[int, int, float]] = (),
    ) -> None:
        if len(features) < 2 or not 1 <= heads < len(features):
            raise InvalidImage(f"Network 'folded-unet' of {len(features)} levels cannot have {heads} heads.")
        super().__init__(8 * in_channels, 8 * out_channels, features, heads)
        x, y, z = self.divisor
        self.divisor = (2 * x, 2 * y, 2 * z)
        self.direct = _direct(in_channels, out_channels, direct) if direct else None

    def logits(self, image: Tensor) -> Tensor | list[Tensor]:
        """See `VolumeNetwork.logits`."""
        outputs = super().logits(_folded(image))
        if isinstance(outputs, Tensor):
            return _unfolded(outputs) if self.direct is None else _unfolded(outputs) + self.direct(image)
        unfolded = [_unfolded(output) for output in outputs]
        if self.direct is None:
            return unfolded
        added = self.direct(image)
        return [output + functional.avg_pool3d(added, 2**level) for level, output in enumerate(unfolded)]


def _direct(channels: int, regions: int, rows: Sequence[tuple[int, int, float]]) -> nn.Conv3d:
    """From the input to the logits, voxel by voxel, with the weights of `rows`."""
    layer = nn.Conv3d(channels, regions, 1, bias=False)
    with torch.no_grad():
        layer.weight.zero_()
        for channel, region, weight in rows:
            if not (0 <= channel < channels and 0 <= region < regions):
                raise InvalidImage(
                    f"Network 'folded-unet' has {channels} channels and {regions} regions; "
                    f"its 'direct' names channel {channel} and region {region}."
                )
            layer.weight[region, channel] = weight
    return layer


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
