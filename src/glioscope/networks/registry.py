"""Which networks there are, as data: listing them imports no engine."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from glioscope.core import EngineMissing, InvalidImage

if TYPE_CHECKING:
    from glioscope.networks.volume_network import VolumeNetwork

__all__ = ["NETWORKS", "NetworkEntry", "build_network", "list_networks"]


@dataclass(frozen=True)
class NetworkEntry:
    """One network as it appears in lists.

    Attributes:
        name: What recipes and bundles call it.
        title: One line.
        source: Who published it.
        path: `module:class or function`, called with `in_channels`, `out_channels` and the parameters, all by keyword.
        defaults: Parameters that a recipe need not give; what it gives comes before them.
    """

    name: str
    title: str
    source: str
    path: str
    defaults: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


_BUILT_IN = (
    NetworkEntry(
        "plain-unet",
        "the U-Net of nnU-Net: plain convolutions, instance norm, strided down, transposed up",
        "Isensee et al., Nature Methods 2021; dynamic-network-architectures PlainConvUNet",
        "glioscope.networks.plain_unet:PlainUNet",
    ),
    NetworkEntry(
        "resenc-unet",
        "nnU-Net with a residual encoder; presets M, L and XL",
        "Isensee et al., MICCAI 2024; dynamic-network-architectures ResidualEncoderUNet",
        "glioscope.networks.resenc_unet:ResEncUNet",
    ),
    NetworkEntry(
        "segresnet",
        "residual encoder, one-block decoder, with or without a variational branch that rebuilds the input",
        "Myronenko, BrainLes 2018; MONAI SegResNet and SegResNetVAE",
        "glioscope.networks.segresnet:SegResNet",
    ),
    NetworkEntry(
        "optimised-unet",
        "a U-Net of seven levels with wider shallow and narrower deep stages",
        "Futrega et al., BrainLes 2021; Ren et al., BrainLes 2023, 2.2",
        "glioscope.networks.optimised_unet:OptimisedUNet",
    ),
    NetworkEntry(
        "agunet",
        "a full-volume U-Net with attention gates, multi-scale input and deep supervision",
        "Bouget et al., Frontiers in Radiology 2021; Helland et al., Scientific Reports 2023, 2.2.3",
        "glioscope.networks.agunet:AGUNet",
    ),
    NetworkEntry(
        "swin-unetr",
        "shifted-window transformer encoder, residual convolutional decoder",
        "Hatamizadeh et al., BrainLes 2021; MONAI SwinUNETR",
        "glioscope.networks.swin_unetr:SwinUNETR",
    ),
    NetworkEntry(
        "res-unet-3d",
        "a plain U-Net of residual blocks, as a low-effort baseline",
        "Pei and Liu, BrainLes 2021",
        "glioscope.networks.res_unet_3d:ResUNet3D",
    ),
    NetworkEntry(
        "unpooling-unet",
        "the U-Net of nnU-Net with max pooling, whose indices bring the features up again",
        "nnSegNet, BrainLes 2021",
        "glioscope.networks.unpooling_unet:UnpoolingUNet",
    ),
    NetworkEntry(
        "folded-unet",
        "a U-Net at half resolution whose channels are the voxels of 2 x 2 x 2 blocks: for computers without a GPU",
        "this project; depth to space as in Shi et al., CVPR 2016",
        "glioscope.networks.folded_unet:FoldedUNet",
    ),
    NetworkEntry(
        "anisotropic",
        "one stage and view of the cascade of anisotropic networks",
        "Wang et al., BrainLes 2017",
        "glioscope.networks.anisotropic:AnisotropicNetwork",
    ),
)

NETWORKS: Mapping[str, NetworkEntry] = MappingProxyType({entry.name: entry for entry in _BUILT_IN})


def list_networks() -> list[NetworkEntry]:
    """All networks, in the order in which to read about them."""
    return list(NETWORKS.values())


def build_network(name: str, in_channels: int, out_channels: int, parameters: Mapping[str, Any] | None = None) -> VolumeNetwork:
    """The network called `name` with fresh weights; seed torch before for a repeatable start.

    Args:
        name: A key of `NETWORKS`.
        in_channels: Channels of the input.
        out_channels: Regions (sigmoid), or labels with the background first (softmax).
        parameters: What to build otherwise than by default; docs/networks.md lists them.

    Raises:
        InvalidImage: there is no such network or parameter; the sentence names it and what it may have meant.
        EngineMissing: what it is built on is not installed.
    """
    entry = NETWORKS.get(name)
    if entry is None:
        raise InvalidImage(f"There is no network '{name}'{_nearest(name, NETWORKS)}; known are {', '.join(NETWORKS)}.")
    module, _, attribute = entry.path.partition(":")
    given = {**entry.defaults, **(parameters or {})}
    try:
        factory = getattr(importlib.import_module(module), attribute)
        known = [key for key in inspect.signature(factory).parameters if key not in ("in_channels", "out_channels")]
        for key in given:
            if key not in known:
                raise InvalidImage(
                    f"Network '{name}' has no parameter '{key}'{_nearest(key, known)}; known are {', '.join(known)}."
                )
        network: VolumeNetwork = factory(in_channels=in_channels, out_channels=out_channels, **given)
    except ImportError as error:
        raise EngineMissing(
            f"Network '{name}' needs the Python package '{_package(error)}'; install it with pip install 'glioscope[train]'."
        ) from error
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:  # the last is PyTorch's, for sizes no layer can have
        said = str(error).partition("\n")[0].rstrip(".")
        raise InvalidImage(f"Network '{name}' cannot be built from {given}: {said}.") from error
    return network


def _nearest(word: str, known: Mapping[str, Any] | list[str]) -> str:
    near = get_close_matches(str(word), list(known), n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""


def _package(error: ImportError) -> str:
    return (error.name or str(error)).partition(".")[0]
