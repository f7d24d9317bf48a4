"""SegResNet, with or without its variational branch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from glioscope.core import InvalidImage
from glioscope.networks.monai_quietly import monai
from glioscope.networks.volume_network import VolumeNetwork, parts_of

__all__ = ["SegResNet"]


class SegResNet(VolumeNetwork):
    """Residual blocks with group norm down, one a level up, trilinear upsampling, features added instead of concatenated.

    With the variational branch, training also draws from a normal distribution whose mean and deviation the encoder gives,
    rebuilds the input from the draw, and `extra_loss` is 0.1 times the sum of squared error and Kullback-Leibler divergence
    to the standard normal, each a mean. The branch takes no part in prediction, so the image may then have any size.

    Source: Myronenko, BrainLes 2018; MONAI `SegResNet` and `SegResNetVAE` (whose branch shares the decoder's blocks, where
    the paper's has its own). MONAI's module is `network`.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the logits.
        init_filters: Channels of the first level, a multiple of 8; doubled from level to level.
        blocks_down: Residual blocks of each encoder level.
        blocks_up: Residual blocks of each decoder level, from deep to shallow.
        dropout: Share of the feature maps after the first convolution that training sets to zero.
        variational: Whether there is a variational branch.
        patch: Size of all training patches, which the branch is built for; sides multiples of 2^levels (16 for four).
        latent: Means, and as many deviations, of the branch.
        extra_weight: Weight of `extra_loss`.

    Raises:
        InvalidImage: the branch has no patch, or one that it cannot be built for.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        init_filters: int = 32,
        blocks_down: Sequence[int] = (1, 2, 2, 4),
        blocks_up: Sequence[int] = (1, 1, 1),
        dropout: float = 0.0,
        variational: bool = False,
        patch: Sequence[int] | None = None,
        latent: int = 128,
        extra_weight: float = 0.1,
    ) -> None:
        library = monai("networks.nets.segresnet")
        if init_filters % 8 or len(blocks_up) != len(blocks_down) - 1:
            raise InvalidImage(
                "Network 'segresnet' needs 'init_filters' in eights and one entry less in 'blocks_up' than 'blocks_down'."
            )
        # The branch halves once more than the encoder.
        step = 2 ** (len(blocks_down) - (0 if variational else 1))
        super().__init__((step, step, step))
        self.extra_weight = extra_weight
        options: dict[str, Any] = {
            "init_filters": init_filters,
            "in_channels": in_channels,
            "out_channels": out_channels,
            "blocks_down": tuple(blocks_down),
            "blocks_up": tuple(blocks_up),
            "dropout_prob": dropout or None,
        }
        self.patch = None
        if not variational:
            self.network: nn.Module = library.SegResNet(**options)
            return
        if patch is None or len(patch) != 3 or any(side % step for side in patch):
            raise InvalidImage(
                f"The variational branch of 'segresnet' needs the training patch as 'patch', sides multiples of {step}."
            )
        self.patch = tuple(patch)
        self.network = library.SegResNetVAE(input_image_size=self.patch, vae_estimate_std=True, vae_nz=latent, **options)

    def logits(self, image: Tensor) -> Tensor:
        """See `VolumeNetwork.logits`; raises InvalidImage in training where a patch has not the size of the branch."""
        self.extra_loss = None
        if self.patch is None:
            plain: Tensor = self.network(image)
            return plain
        if self.training and tuple(image.shape[2:]) != self.patch:
            raise InvalidImage(f"'segresnet' was built for patches of {self.patch} voxels, not of {tuple(image.shape[2:])}.")
        logits: Tensor
        logits, extra = self.network(image)
        if extra is not None:
            self.extra_loss = self.extra_weight * extra
        return logits

    def _padded(self, size: Sequence[int]) -> list[int]:
        # Group norm sees several channels at once, so that one voxel at the bottom is enough.
        return [-(-side // d) * d for side, d in zip(size, self.divisor, strict=True)]

    def parts(self) -> dict[str, list[nn.Module]]:
        """See `VolumeNetwork.parts`; the variational branch belongs to none."""
        library: Any = self.network
        encoder = [[level] for level in library.down_layers]
        encoder[0].insert(0, library.convInit)
        return parts_of(encoder, [list(pair) for pair in zip(library.up_samples, library.up_layers, strict=True)])
