"""Every network at a size that tests can afford."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from glioscope.networks import build_network
from glioscope.networks.volume_network import VolumeNetwork

torch.set_num_threads(1)

PATCH = (16, 16, 32)

PARAMETERS: dict[str, dict[str, Any]] = {
    "plain-unet": {"features_per_stage": [4, 8, 8], "strides": [1, 2, [2, 2, 1]]},
    "resenc-unet": {"features_per_stage": [4, 8, 8], "strides": [1, 2, 2], "n_blocks_per_stage": [1, 2, 1]},
    "segresnet": {"init_filters": 8, "blocks_down": [1, 1, 1], "blocks_up": [1, 1], "variational": True, "patch": PATCH},
    "optimised-unet": {"features": [4, 6, 6, 8], "heads": 2, "foreground_channel": True},
    "agunet": {"features": [4, 4, 6, 8], "norm": "instance"},
    "swin-unetr": {"feature_size": 12, "window": 3},
    "res-unet-3d": {"features": [4, 6, 8]},
    "unpooling-unet": {"features": [4, 6, 8, 8]},
    "folded-unet": {"features": [4, 6, 8], "heads": 2},
}

NEEDS = {
    "plain-unet": "dynamic_network_architectures",
    "resenc-unet": "dynamic_network_architectures",
    "segresnet": "monai",
    "swin-unetr": "einops",
}

SUPERVISED = {"plain-unet": 2, "resenc-unet": 2, "optimised-unet": 2, "agunet": 3, "unpooling-unet": 3, "folded-unet": 2}
"""How many resolutions the small networks give."""


def small(name: str, inputs: int = 3, outputs: int = 2, seed: int = 0) -> VolumeNetwork:
    """The network called `name`, its weights shaken so that none of them is zero; skips the test where it cannot be built."""
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason=f"{name} is built on it")
    torch.manual_seed(seed)
    network = build_network(name, inputs, outputs, PARAMETERS[name])
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network


def image(*size: int, channels: int = 3, exams: int = 1) -> torch.Tensor:
    """A repeatable image of normal noise."""
    return torch.randn(exams, channels, *size, generator=torch.Generator().manual_seed(sum(size)))


def patch_of(name: str) -> tuple[int, int, int]:
    """A small patch that the network takes without padding."""
    return (32, 32, 64) if name == "swin-unetr" else PATCH
