"""Start from a trained bundle, and keep a part of it as it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from glioscope.core import InvalidImage
from glioscope.training.recipe_schema import Transfer

if TYPE_CHECKING:
    from glioscope.networks.volume_network import VolumeNetwork

__all__ = ["freeze", "start_from"]


def start_from(network: nn.Module, folder: Path, fold: int) -> list[str]:
    """Copy into `network` what a bundle has under the same name in the same shape; the names that it has not are returned.

    What usually differs are the heads and the first convolution, where regions or channels of the second cohort are others.

    Args:
        network: What is going to be trained.
        folder: Of the bundle.
        fold: Of several members the one of this fold is taken, counted around.

    Raises:
        InputUnreadable: the bundle cannot be read.
        InvalidImage: it is of another network.
    """
    from glioscope.bundles import read_bundle

    bundle = read_bundle(folder)
    if bundle.kind != "network":
        raise InvalidImage(f"'transfer.from' names '{folder}', a bundle of kind {bundle.kind}; name one of kind network.")
    theirs: Mapping[str, Any] = bundle.network(max(fold, 0) % len(bundle.files)).state_dict()
    own = network.state_dict()
    fitting = [name for name, tensor in own.items() if name in theirs and theirs[name].shape == tensor.shape]
    if len(fitting) * 2 < len(own):
        raise InvalidImage(
            f"'transfer.from': only {len(fitting)} of the network's {len(own)} weights fit '{folder}'; it is another network."
        )
    with torch.no_grad():
        for name in fitting:
            cast("Tensor", own[name]).copy_(theirs[name])
    return sorted(own.keys() - set(fitting))


def freeze(network: nn.Module, rules: Transfer) -> list[nn.Module]:
    """Take the recipe's part of `network` out of training; it is returned.

    Source: transfer of the optimised U-Net (Ren et al., BrainLes 2023, section 2.7).
    """
    if rules.freeze == "none":
        return []
    parts = cast("VolumeNetwork", network).parts()[rules.freeze]
    for part in parts:
        part.requires_grad_(False)
    return parts
