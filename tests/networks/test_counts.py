"""Numbers of parameters, against those published; hardly anything is allocated for it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn

from glioscope.networks import build_network, preset_parameters
from tests.networks.small import NEEDS


def built(name: str, parameters: dict[str, Any]) -> nn.Module:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason=f"{name} is built on it")
    # MONAI looks at values while it builds the transformer.
    with torch.device("cpu" if name == "swin-unetr" else "meta"):
        return build_network(name, 4, 3, parameters)


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_unpooling_unet() -> None:
    assert count(built("unpooling-unet", {})) == 27_663_648  # nnSegNet, BrainLes 2021


def test_nnunet() -> None:
    # The same paper counts 31,198,176 for nnU-Net of 2021, whose transposed convolutions (320 + 256 + 128 + 64 + 32) and
    # heads (5 x 3) had no bias.
    assert count(built("plain-unet", {})) == 31_198_176 + 800 + 15
    assert count(built("plain-unet", preset_parameters("nnunet"))) == 31_198_176 + 800 + 15


def test_swin_unetr() -> None:
    # 61.98 million published, 61,994,211 without the tables of relative positions, whose 13^3 entries for each of two times
    # 3 + 6 + 12 + 24 heads the published program has.
    network = built("swin-unetr", {})
    tables = sum(p.numel() for key, p in network.named_parameters() if "relative_position" in key)

    assert tables == 2 * 45 * 13**3
    assert count(network) - tables == 61_994_211


def test_resenc_presets_are_one_network() -> None:
    counts = {count(built("resenc-unet", preset_parameters(f"resenc-{size}"))) for size in ("m", "l", "xl")}

    assert counts == {102_353_167}


def test_segresnet_branch_is_for_training_only() -> None:
    with_branch, without = (
        count(built("segresnet", {**preset_parameters("segresnet"), "variational": v})) for v in (True, False)
    )
    # Two linear layers of 16 x 8 x 10 x 7 to 128, one back, besides the small convolutions.
    elements = 16 * 8 * 10 * 7

    assert with_branch - without > 3 * 128 * elements
    assert without == count(built("segresnet", {}))


def test_stages_of_agunet_and_optimised_unet_by_hand() -> None:
    def double(inputs: int, width: int) -> int:
        return 27 * width * (inputs + width) + 2 * 3 * width

    optimised = built("optimised-unet", {})
    widths = [4, 64, 96, 128, 192, 256, 384, 512]
    assert count(optimised.get_submodule("encoder")) == sum(double(a, b) for a, b in pairwise(widths))
    assert count(optimised.get_submodule("decoder")) == sum(double(2 * w, w) for w in widths[1:-1])

    agunet = built("agunet", {})
    # At levels 2 to 4 the averaged image joins with as many channels as the level has.
    assert count(agunet.get_submodule("encoder")) == (
        double(4, 16) + double(16 + 32, 32) + double(32 + 128, 128) + double(128 + 256, 256) + double(256, 256)
    )
    assert count(agunet.get_submodule("decoder")) == sum(double(2 * w, w) for w in (256, 128, 32, 16))
