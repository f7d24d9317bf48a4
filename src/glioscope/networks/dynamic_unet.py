"""What the two networks of nnU-Net have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from glioscope.core import InvalidImage
from glioscope.networks.volume_network import VolumeNetwork, parts_of

__all__ = ["DynamicUNet", "Steps", "library_arguments"]

Steps = int | Sequence[int | Sequence[int]]
"""A number for all levels, or one a level, which may be one an axis."""


class DynamicUNet(VolumeNetwork):
    """A U-Net of dynamic-network-architectures.

    The library's module is `network`, untouched: `network.load_state_dict` takes the `network_weights` of an nnU-Net v2
    checkpoint as they are. Without deep supervision the heads of the coarser levels get no gradient, as in nnU-Net.
    """

    network: nn.Module

    def __init__(self, network: nn.Module, strides: Steps) -> None:
        per_level = strides if isinstance(strides, Sequence) else [strides]
        per_axis = [tuple(s) if isinstance(s, Sequence) else (s, s, s) for s in per_level]
        super().__init__([math.prod(axis) for axis in zip(*per_axis, strict=True)])
        self.network = network

    def logits(self, image: Tensor) -> Tensor | list[Tensor]:
        """See `VolumeNetwork.logits`."""
        self._decoder.deep_supervision = self.supervised
        outputs: Tensor | list[Tensor] = self.network(image)
        return outputs

    def parts(self) -> dict[str, list[nn.Module]]:
        """See `VolumeNetwork.parts`."""
        library: Any = self.network
        encoder = [[stage] for stage in library.encoder.stages]
        if getattr(library.encoder, "stem", None) is not None:
            encoder[0].insert(0, library.encoder.stem)
        pairs = zip(library.decoder.transpconvs, library.decoder.stages, strict=True)
        return parts_of(encoder, [list(pair) for pair in pairs])

    @property
    def _decoder(self) -> Any:  # noqa: ANN401
        library: Any = self.network
        return library.decoder


def library_arguments(
    network: str,
    channels: tuple[int, int],
    features: Sequence[int],
    per_level: Mapping[str, object],
    *,
    conv_bias: bool,
    norm_eps: float,
    dropout: float,
) -> dict[str, Any]:
    """Arguments of the library's class for a 3-D network as nnU-Net builds it.

    Args:
        network: Its name, for errors.
        channels: Of the input and of the logits.
        features: Channels of each level, from shallow to deep.
        per_level: Parameters that may have one entry a level.
        conv_bias: Whether convolutions have a bias.
        norm_eps: What is added to variances.
        dropout: Share of the feature maps that training sets to zero.

    Raises:
        InvalidImage: a list has another length than `features`; the sentence names the parameter.
    """
    count = len(features)
    if count < 2:
        raise InvalidImage(f"Network '{network}' needs at least two levels in features_per_stage, not {count}.")
    for name, values in per_level.items():
        wanted = count - 1 if name == "n_conv_per_stage_decoder" else count
        if isinstance(values, Sequence) and len(values) != wanted:
            raise InvalidImage(f"Network '{network}' has {count} levels: '{name}' needs {wanted} entries, not {len(values)}.")
    return {
        "input_channels": channels[0],
        "num_classes": channels[1],
        "n_stages": count,
        "features_per_stage": list(features),
        **per_level,
        "deep_supervision": False,
        "conv_op": nn.Conv3d,
        "conv_bias": conv_bias,
        "norm_op": nn.InstanceNorm3d,
        "norm_op_kwargs": {"eps": norm_eps, "affine": True},
        "dropout_op": nn.Dropout3d if dropout else None,
        "dropout_op_kwargs": {"p": dropout} if dropout else None,
        "nonlin": nn.LeakyReLU,
        "nonlin_kwargs": {"inplace": True},
    }
