"""nnU-Net with a residual encoder."""

from __future__ import annotations

from collections.abc import Sequence

from glioscope.networks.dynamic_unet import DynamicUNet, Steps, library_arguments

__all__ = ["ResEncUNet"]


class ResEncUNet(DynamicUNet):
    """Residual blocks down, one convolution a level up, a head a level.

    Source: Isensee et al., MICCAI 2024 (presets M, L and XL, which differ in what patch and batch they plan for, see
    `glioscope.networks.PRESETS`); dynamic-network-architectures `ResidualEncoderUNet`. The parameters have the names of an
    nnU-Net plan.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the logits.
        features_per_stage: Channels of each level, from shallow to deep.
        kernel_sizes: Sides of the convolutions, voxels.
        strides: How each level shrinks what comes in; 1 for the first.
        n_blocks_per_stage: Residual blocks of each encoder level.
        n_conv_per_stage_decoder: Convolutions of each decoder level, from deep to shallow.
        conv_bias: Whether convolutions have a bias.
        norm_eps: What is added to variances.
        dropout: Share of the feature maps that training sets to zero, after each convolution.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        features_per_stage: Sequence[int] = (32, 64, 128, 256, 320, 320),
        kernel_sizes: Steps = 3,
        strides: Steps = (1, 2, 2, 2, 2, 2),
        n_blocks_per_stage: int | Sequence[int] = (1, 3, 4, 6, 6, 6),
        n_conv_per_stage_decoder: int | Sequence[int] = 1,
        conv_bias: bool = True,
        norm_eps: float = 1e-5,
        dropout: float = 0.0,
    ) -> None:
        from dynamic_network_architectures.architectures.unet import ResidualEncoderUNet

        per_level = {
            "kernel_sizes": kernel_sizes,
            "strides": strides,
            "n_blocks_per_stage": n_blocks_per_stage,
            "n_conv_per_stage_decoder": n_conv_per_stage_decoder,
        }
        network = ResidualEncoderUNet(
            **library_arguments(
                "resenc-unet",
                (in_channels, out_channels),
                features_per_stage,
                per_level,
                conv_bias=conv_bias,
                norm_eps=norm_eps,
                dropout=dropout,
            )
        )
        network.apply(ResidualEncoderUNet.initialize)
        super().__init__(network, strides)
