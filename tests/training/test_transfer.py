from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
import torch

from glioscope.bundles import read_bundle, write_bundle
from glioscope.networks import build_network
from glioscope.training import list_recipes, load_recipe
from glioscope.training.recipe_schema import Transfer
from glioscope.training.transfer import Start, freeze, start_from
from tests.training.tiny_cohort import SMALLER

FEATURES = {"features": [4, 8], "heads": 1}
KNOWN = ["t1c", "t1n"]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = build_network("folded-unet", 2, 1, FEATURES)
    document: dict[str, Any] = {
        "name": "narrow",
        "title": "A network of two channels",
        "source": "test",
        "licence": "Apache-2.0",
        "inputs": {"channels": KNOWN, "normalisation": "zscore"},
        "target": {"kind": "regions", "scheme": "brats-2023", "names": ["WT"]},
        "grid": {"space": "atlas", "spacing": [1, 1, 1], "orientation": "RAS"},
        "network": {"name": "folded-unet", "parameters": FEATURES},
        "inference": {"patch": [8, 8, 8], "overlap": 0.5, "mirror": False},
    }
    write_bundle(tmp_path / "narrow", document, {"fold-0.safetensors": network.state_dict()})
    return tmp_path / "narrow"


def test_further_channels_begin_at_zero_so_that_the_answer_is_the_bundles(bundle: Path) -> None:
    torch.manual_seed(1)
    wider = build_network("folded-unet", 3, 1, FEATURES)
    assert start_from(wider, bundle, 0, [*KNOWN, "subtraction:ET"]) == Start(widened=("encoder.0.0.0.weight",))
    image = torch.randn(1, 3, 8, 8, 8)
    narrow = read_bundle(bundle).network(0).eval()
    with torch.no_grad():
        torch.testing.assert_close(wider.eval()(image), narrow(image[:, :2]))


@pytest.mark.parametrize("channels", [["subtraction:ET", *KNOWN], ["t1n", "t1c", "t2w"], []])
def test_channels_in_another_order_begin_anew(bundle: Path, channels: list[str]) -> None:
    wider = build_network("folded-unet", 3, 1, FEATURES)
    assert any(name.endswith("weight") for name in start_from(wider, bundle, 0, channels).anew)


@pytest.mark.parametrize("channels", [["t1n", "t1c", "t2w"], [*KNOWN, "t2w"]])
def test_a_layer_that_the_bundle_does_not_fill_is_never_frozen(bundle: Path, channels: list[str]) -> None:
    """The first convolution was kept at random, or at zero for the channel that the bundle does not know."""
    wider = build_network("folded-unet", 3, 1, FEATURES)
    start = start_from(wider, bundle, 0, channels)
    frozen, learnt = freeze(wider, Transfer("", "encoder"), {*start.anew, *start.widened})
    first, *others = [name for name, _ in wider.named_parameters() if name.startswith("encoder.")]
    assert learnt == [first.removesuffix(".weight")]
    weights = dict(wider.named_parameters())
    assert weights[first].requires_grad
    assert others
    assert not any(weights[name].requires_grad for name in others if not name.startswith(f"{learnt[0]}."))
    within = {id(module) for part in frozen for module in part.modules()}
    assert id(wider.get_submodule(learnt[0])) not in within
    assert within


def test_weights_of_other_images_or_regions_are_told(bundle: Path) -> None:
    network = build_network("folded-unet", 2, 1, FEATURES)
    assert start_from(network, bundle, 0, KNOWN, ["WT"]).other == ()
    assert start_from(network, bundle, 0, KNOWN[::-1], ["ET"]).other == (
        f"'{bundle}' reads t1c, t1n, and the recipe t1n, t1c; the weights are taken in this order.",
        f"'{bundle}' gives WT, and the recipe ET; the weights are taken in this order.",
    )


@pytest.mark.parametrize("name", sorted(SMALLER))
@pytest.mark.parametrize("part", ["encoder", "middle", "decoder"])
def test_what_fits_is_frozen_whole(name: str, part: Literal["encoder", "middle", "decoder"]) -> None:
    recipe = load_recipe(next(r for r in list_recipes() if load_recipe(r).network.name == name), SMALLER[name])
    patch = {"patch": [16, 16, 16]} if name == "segresnet" else {}
    network = build_network(name, len(recipe.inputs.channels), recipe.target.channels, {**recipe.network.parameters, **patch})
    freeze(network, Transfer("", part))
    assert not any(weight.requires_grad for module in network.parts()[part] for weight in module.parameters())
    assert any(weight.requires_grad for weight in network.parameters())
