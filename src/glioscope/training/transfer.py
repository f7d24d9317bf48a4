"""Start from a trained bundle, and keep a part of it as it is."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from glioscope.core import InvalidImage
from glioscope.training.recipe_schema import Transfer

if TYPE_CHECKING:
    from glioscope.bundles import Bundle
    from glioscope.networks.volume_network import VolumeNetwork

__all__ = ["Start", "exam_id", "exams_before", "freeze", "source_of", "start_from"]


@dataclass(frozen=True)
class Start:
    """What a network took over from a bundle, and what not.

    Attributes:
        anew: Sorted names of the weights that the bundle has not, or not in this shape.
        widened: Sorted names of those that it has for the first channels only.
        other: Sentences on weights that fit, though they were learnt for other images or regions.
    """

    anew: tuple[str, ...] = ()
    widened: tuple[str, ...] = ()
    other: tuple[str, ...] = ()


def start_from(network: nn.Module, folder: Path, fold: int, channels: Sequence[str] = (), names: Sequence[str] = ()) -> Start:
    """Copy into `network` what a bundle has under the same name in the same shape.

    What usually differs are the heads and the first convolution, where regions or channels of the second cohort are others.
    Where the bundle's channels are the first of `channels`, the others begin with weights of zero: the network answers at
    first as the bundle does.

    Args:
        network: What is going to be trained.
        folder: Of the bundle.
        fold: Of several members the one of this fold is taken, counted around.
        channels: Names of the network's input channels.
        names: Of the regions or labels that it gives.

    Raises:
        InputUnreadable: the bundle cannot be read.
        InvalidImage: it is of another network.
    """
    bundle = source_of(folder)
    theirs: Mapping[str, Any] = bundle.network(max(fold, 0) % len(bundle.files)).state_dict()
    own = network.state_dict()
    fitting = [name for name, tensor in own.items() if name in theirs and theirs[name].shape == tensor.shape]
    known = [channel.name for channel in bundle.inputs.channels]
    wider = []
    if len(channels) > len(known) and list(channels[: len(known)]) == known:
        wider = [name for name in own if name in theirs and _reads(own[name], theirs[name], len(channels), len(known))]
    if len(fitting) * 2 < len(own):
        raise InvalidImage(
            f"'transfer.from': only {len(fitting)} of the network's {len(own)} weights fit '{folder}'; it is another network."
        )
    with torch.no_grad():
        for name in fitting:
            cast("Tensor", own[name]).copy_(theirs[name])
        for name in wider:
            cast("Tensor", own[name]).zero_()[:, : theirs[name].shape[1]] = theirs[name]
    other = tuple(
        f"'{folder}' {verb} {', '.join(before)}, and the recipe {', '.join(now)}; the weights are taken in this order."
        for verb, before, now in (
            ("reads", known, list(channels)),
            ("gives", list(bundle.document["target"]["names"]), list(names)),
        )
        if now != before and len(now) == len(before)
    )
    return Start(tuple(sorted(own.keys() - set(fitting) - set(wider))), tuple(sorted(wider)), other)


def source_of(folder: str | Path) -> Bundle:
    """The bundle that `transfer.from` names; raises InputUnreadable or InvalidImage where nothing can start from it."""
    from glioscope.bundles import read_bundle

    bundle = read_bundle(folder)
    if bundle.kind != "network":
        raise InvalidImage(f"'transfer.from' names '{folder}', a bundle of kind {bundle.kind}; name one of kind network.")
    return bundle


def exam_id(name: str) -> str:
    """What a bundle's data card says of an exam: the SHA-256 of its name."""
    return hashlib.sha256(name.encode()).hexdigest()


def exams_before(folder: Path) -> set[str] | None:
    """`exam_id` of each exam that a bundle, or one that it started from, was learnt from; None where its card does not tell.

    Raises:
        InputUnreadable: the bundle cannot be read.
    """
    from glioscope.bundles import read_bundle

    try:
        data = read_bundle(folder, verify=False).document["training"]["data"]
        return {str(one) for key in ("ids_sha256", "before_sha256") for one in data.get(key, ())}
    except (KeyError, TypeError, AttributeError):
        return None


def _reads(own: Tensor, theirs: Tensor, channels: int, known: int) -> bool:
    """Whether these are weights of a convolution over the input, of which `theirs` has `known` of the `channels`."""
    others = [tuple(side for axis, side in enumerate(tensor.shape) if axis != 1) for tensor in (own, theirs)]
    return own.ndim > 2 and others[0] == others[1] and own.shape[1] * known == theirs.shape[1] * channels


def freeze(network: nn.Module, rules: Transfer, learnt: Collection[str] = ()) -> tuple[list[nn.Module], list[str]]:
    """Take the recipe's part of `network` out of training, but for the layers that have weights in `learnt`.

    Such a layer would be kept at random, or blind to the channels that the bundle did not know.

    Args:
        network: A VolumeNetwork.
        rules: Say which part.
        learnt: Names of the weights that the bundle has not, or not all of.

    Returns:
        The modules that are frozen with all that is in them, and the names of the layers of the part that are not.

    Source: transfer of the optimised U-Net (Ren et al., BrainLes 2023, section 2.7).
    """
    if rules.freeze == "none":
        return [], []
    frozen, kept = [], []
    parts = {id(module) for part in cast("VolumeNetwork", network).parts()[rules.freeze] for module in part.modules()}
    for name, module in network.named_modules():
        if id(module) not in parts:
            continue
        own = {f"{name}.{key}": weight for key, weight in module.named_parameters(recurse=False)}
        if own.keys() & set(learnt):
            kept.append(name)
            continue
        for weight in own.values():
            weight.requires_grad_(False)
        if not any(key.startswith(f"{name}.") for key in learnt):
            frozen.append(module)
    return frozen, kept
