"""The U-Net of nnU-Net."""

from __future__ import annotations

from collections.abc import Sequence

from glioscope.networks.dynamic_unet import DynamicUNet, Steps, library_arguments

__all__ = ["PlainUNet"]


class PlainUNet(DynamicUNet):
    """Convolution, instance norm and leaky ReLU, twice a level; strided convolutions down, transposed ones up; a head a level.

    Source: Isensee et al., Nature Methods 2021; dynamic-network-architectures `PlainConvUNet`. The parameters have the names
    of an nnU-Net plan.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the logits.
        features_per_stage: Channels of each level, from shallow to deep.
        kernel_sizes: Sides of the convolutions, voxels.
        strides: How each level shrinks what comes in; 1 for the first.
        n_conv_per_stage: Convolutions of each encoder level.
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
        n_conv_per_stage: int | Sequence[int] = 2,
        n_conv_per_stage_decoder: int | Sequence[int] = 2,
        conv_bias: bool = True,
        norm_eps: float = 1e-5,
        dropout: float = 0.0,
    ) -> None:
        from dynamic_network_architectures.architectures.unet import PlainConvUNet

        per_level = {
            "kernel_sizes": kernel_sizes,
            "strides": strides,
            "n_conv_per_stage": n_conv_per_stage,
            "n_conv_per_stage_decoder": n_conv_per_stage_decoder,
        }
        network = PlainConvUNet(
            **library_arguments(
                "plain-unet",
                (in_channels, out_channels),
                features_per_stage,
                per_level,
                conv_bias=conv_bias,
                norm_eps=norm_eps,
                dropout=dropout,
            )
        )
        network.apply(PlainConvUNet.initialize)
        super().__init__(network, strides)
