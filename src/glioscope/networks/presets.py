"""Published configurations of networks, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from glioscope.core import InvalidImage

__all__ = ["PRESETS", "Preset", "preset_parameters"]


@dataclass(frozen=True)
class Preset:
    """One published configuration.

    Attributes:
        name: What it is called.
        network: Name in `NETWORKS`.
        parameters: Parameters of the network.
        memory_gib: GPU memory that the planner aims at, GiB; None where the source has no such aim.
        patch: Published patch, voxels; None where it follows from cohort and memory.
        batch: Published batch size; the same.
        source: Where it is published.
    """

    name: str
    network: str
    parameters: Mapping[str, Any]
    memory_gib: float | None
    patch: tuple[int, int, int] | None
    batch: int | None
    source: str


_SIX_LEVELS = {"features_per_stage": (32, 64, 128, 256, 320, 320), "strides": (1, 2, 2, 2, 2, 2)}
_RESENC = MappingProxyType({**_SIX_LEVELS, "n_blocks_per_stage": (1, 3, 4, 6, 6, 6), "n_conv_per_stage_decoder": 1})
_POST_TREATMENT = "Kim et al., BraTS 2024 post-treatment, 2.2"

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        preset.name: preset
        for preset in (
            Preset(
                "nnunet",
                "plain-unet",
                MappingProxyType({**_SIX_LEVELS, "n_conv_per_stage": 2, "n_conv_per_stage_decoder": 2}),
                8,
                (128, 160, 112),
                2,
                _POST_TREATMENT,
            ),
            Preset("resenc-m", "resenc-unet", _RESENC, 8, None, None, "Isensee et al., MICCAI 2024"),
            Preset("resenc-l", "resenc-unet", _RESENC, 24, (160, 192, 160), 3, _POST_TREATMENT),
            Preset("resenc-xl", "resenc-unet", _RESENC, 40, (160, 192, 160), 5, _POST_TREATMENT),
            Preset(
                "segresnet",
                "segresnet",
                MappingProxyType({"init_filters": 32, "variational": True, "patch": (128, 160, 112)}),
                None,
                (128, 160, 112),
                2,
                f"{_POST_TREATMENT}; Myronenko, BrainLes 2018",
            ),
        )
    }
)


def preset_parameters(name: str) -> dict[str, Any]:
    """Parameters of the preset called `name`; raises InvalidImage, listing the known names, when there is none."""
    if name not in PRESETS:
        raise InvalidImage(f"There is no preset '{name}'; known are {', '.join(PRESETS)}.")
    return dict(PRESETS[name].parameters)
