"""Networks by name, and what is said where a name is wrong."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import pytest

from glioscope.core import EngineMissing, InvalidImage
from glioscope.networks import NETWORKS, PRESETS, build_network, list_networks, preset_parameters
from tests.networks.small import PARAMETERS


def test_all_networks_of_the_field_are_there() -> None:
    assert {entry.name for entry in list_networks()} == {*PARAMETERS, "anisotropic"}
    assert all(entry.title and entry.source for entry in list_networks())


@pytest.mark.parametrize("name", NETWORKS)
def test_each_path_leads_somewhere(name: str) -> None:
    module, _, attribute = NETWORKS[name].path.partition(":")

    assert callable(getattr(importlib.import_module(module), attribute))


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("plane-unet", {}, "no network 'plane-unet' (did you mean 'plain-unet'?)"),
        ("agunet", {"feature": [4, 8]}, "'agunet' has no parameter 'feature' (did you mean 'features'?)"),
        ("agunet", {"norm": "layer"}, "no normalisation 'layer'"),
        ("agunet", {"features": ["many", 8]}, "'agunet' cannot be built from {'features': ['many', 8]}"),
        ("optimised-unet", {"heads": 7}, "1 to 6 heads"),
        ("unpooling-unet", {"features": [4, 8]}, "one width"),
        ("folded-unet", {"features": [4, 8], "heads": 2}, "2 levels cannot have 2 heads"),
        ("segresnet", {"variational": True}, "needs the training patch"),
        ("segresnet", {"variational": True, "patch": [16, 16, 24]}, "multiples of 16"),
        ("segresnet", {"init_filters": 12}, "in eights"),
        ("swin-unetr", {"feature_size": 20}, "multiple of 12"),
        ("plain-unet", {"strides": [1, 2]}, "6 levels: 'strides' needs 6 entries, not 2"),
        ("resenc-unet", {"n_conv_per_stage_decoder": [1] * 6}, "'n_conv_per_stage_decoder' needs 5 entries"),
        ("plain-unet", {"features_per_stage": [8]}, "at least two levels"),
    ],
)
def test_what_is_wrong_is_named(name: str, parameters: dict[str, Any], said: str) -> None:
    for package in {"segresnet": ["monai"], "swin-unetr": ["monai", "einops"]}.get(name, []):
        pytest.importorskip(package)
    if name in ("plain-unet", "resenc-unet"):
        pytest.importorskip("dynamic_network_architectures")
    with pytest.raises(InvalidImage) as raised:
        build_network(name, 4, 3, parameters)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("name", "module", "package"),
    [
        ("plain-unet", "dynamic_network_architectures.architectures.unet", "dynamic_network_architectures"),
        ("resenc-unet", "dynamic_network_architectures.architectures.unet", "dynamic_network_architectures"),
        ("segresnet", "monai.networks.nets.segresnet", "monai"),
        ("swin-unetr", "einops", "einops"),
    ],
)
def test_what_is_not_installed_is_named(name: str, module: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "swin-unetr":
        pytest.importorskip("monai.networks.nets.swin_unetr")
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(EngineMissing) as raised:
        build_network(name, 4, 3)

    assert f"needs the Python package '{package}'" in str(raised.value)
    assert "pip install 'glioscope[train]'" in str(raised.value)


def test_presets_are_of_known_networks() -> None:
    assert set(PRESETS) == {"nnunet", "resenc-m", "resenc-l", "resenc-xl", "segresnet"}
    assert all(preset.network in NETWORKS and preset.source for preset in PRESETS.values())
    assert (PRESETS["resenc-l"].patch, PRESETS["resenc-l"].batch) == ((160, 192, 160), 3)
    assert (PRESETS["resenc-xl"].patch, PRESETS["resenc-xl"].batch) == ((160, 192, 160), 5)


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(InvalidImage, match="no preset 'resenc-s'"):
        preset_parameters("resenc-s")
