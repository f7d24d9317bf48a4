"""Building blocks that several networks share."""

from __future__ import annotations

from torch import nn

from glioscope.core import InvalidImage

__all__ = ["LEAK", "ConvNorm", "double_convolution", "he_initialise", "norm_of"]

LEAK = 0.01
"""Slope of leaky ReLU below zero, as in nnU-Net."""


def norm_of(kind: str, channels: int) -> nn.Module:
    """Normalisation with learnt scale and shift: `instance` or `batch`."""
    if kind == "instance":
        return nn.InstanceNorm3d(channels, affine=True)
    if kind == "batch":
        return nn.BatchNorm3d(channels)
    raise InvalidImage(f"There is no normalisation '{kind}' of features; known are instance and batch.")


class ConvNorm(nn.Sequential):
    """A 3x3x3 convolution, normalisation and leaky ReLU (ReLU where `leak` is 0)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, norm: str = "instance", leak: float = LEAK) -> None:
        super().__init__(
            nn.Conv3d(inputs, outputs, 3, stride, padding=1),
            norm_of(norm, outputs),
            nn.LeakyReLU(leak, inplace=True) if leak else nn.ReLU(inplace=True),
        )


def double_convolution(inputs: int, outputs: int, stride: int = 1, norm: str = "instance", leak: float = LEAK) -> nn.Sequential:
    """Two `ConvNorm`, the first with the stride."""
    return nn.Sequential(
        ConvNorm(inputs, outputs, stride, norm, leak),
        ConvNorm(outputs, outputs, norm=norm, leak=leak),
    )


def he_initialise(module: nn.Module) -> None:
    """Weights of convolutions by He et al. 2015 for leaky ReLU, biases zero; for `Module.apply`."""
    if isinstance(module, nn.Conv3d | nn.ConvTranspose3d):
        nn.init.kaiming_normal_(module.weight, a=LEAK)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
