"""Swin UNETR."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from glioscope.core import InvalidImage
from glioscope.networks.monai_quietly import monai
from glioscope.networks.volume_network import VolumeNetwork, parts_of

__all__ = ["SwinUNETR"]


class SwinUNETR(VolumeNetwork):
    """Attention in windows of 7 x 7 x 7 tokens, shifted every other time, on the way down; residual convolutions up.

    Source: Hatamizadeh et al., BrainLes 2021; MONAI `SwinUNETR`, which merges eight neighbours into 8C channels (the paper
    prints 4C; only 8C gives its 61.98 million parameters) and has tables of relative positions. MONAI's module is `network`.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the logits.
        feature_size: Channels of the embedding, a multiple of 12; doubled from stage to stage.
        depths: Transformer blocks of each stage.
        num_heads: Attention heads of each stage.
        window: Sides of the attention window, tokens.
        dropout_path: Rate of stochastic depth.
        checkpointing: Whether to save memory by computing the encoder's activations twice.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        feature_size: int = 48,
        depths: Sequence[int] = (2, 2, 2, 2),
        num_heads: Sequence[int] = (3, 6, 12, 24),
        window: int = 7,
        dropout_path: float = 0.0,
        checkpointing: bool = False,
    ) -> None:
        library = monai("networks.nets.swin_unetr")
        # MONAI would find out that it is missing only when the network runs.
        importlib.import_module("einops")
        if feature_size % 12:
            raise InvalidImage(f"Network 'swin-unetr' needs a 'feature_size' that is a multiple of 12, not {feature_size}.")
        super().__init__((32, 32, 32))
        self.network: nn.Module = library.SwinUNETR(
            in_channels=in_channels,
            out_channels=out_channels,
            feature_size=feature_size,
            depths=tuple(depths),
            num_heads=tuple(num_heads),
            window_size=window,
            dropout_path_rate=dropout_path,
            use_checkpoint=checkpointing,
        )

    def logits(self, image: Tensor) -> Tensor:
        """See `VolumeNetwork.logits`."""
        logits: Tensor = self.network(image)
        return logits

    def parts(self) -> dict[str, list[nn.Module]]:
        """See `VolumeNetwork.parts`."""
        n: Any = self.network
        swin = n.swinViT
        encoder = [
            [n.encoder1],
            [swin.patch_embed, n.encoder2],
            [swin.layers1, n.encoder3],
            [swin.layers2, n.encoder4],
            [swin.layers3],
            [swin.layers4, n.encoder10],
        ]
        return parts_of(encoder, [[n.decoder5], [n.decoder4], [n.decoder3], [n.decoder2], [n.decoder1]])
