from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from glioscope.bundles import read_bundle, write_bundle
from glioscope.networks import build_network
from glioscope.training.transfer import start_from

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
    assert start_from(wider, bundle, 0, [*KNOWN, "subtraction:ET"]) == []
    image = torch.randn(1, 3, 8, 8, 8)
    narrow = read_bundle(bundle).network(0).eval()
    with torch.no_grad():
        torch.testing.assert_close(wider.eval()(image), narrow(image[:, :2]))


@pytest.mark.parametrize("channels", [["subtraction:ET", *KNOWN], ["t1n", "t1c", "t2w"], []])
def test_channels_in_another_order_begin_anew(bundle: Path, channels: list[str]) -> None:
    wider = build_network("folded-unet", 3, 1, FEATURES)
    assert any(name.endswith("weight") for name in start_from(wider, bundle, 0, channels))
