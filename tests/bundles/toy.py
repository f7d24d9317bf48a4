"""A bundle small enough to run in a test: a plain U-Net of two stages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glioscope.bundles import Bundle, write_bundle

__all__ = ["document_of", "write_toy"]

NETWORK = {
    "features_per_stage": [4, 8],
    "strides": [1, 2],
    "kernel_sizes": 3,
    "n_conv_per_stage": 1,
    "n_conv_per_stage_decoder": 1,
}


def document_of(**changes: Any) -> dict[str, Any]:
    return {
        "name": "toy",
        "title": "a toy network",
        "description": "For tests.",
        "source": "none",
        "licence": "CC0-1.0",
        "inputs": {"channels": ["t1c", "t2f"], "normalisation": "zscore"},
        "grid": {"space": "atlas", "spacing": [1, 1, 1], "orientation": "RAS"},
        "target": {"kind": "regions", "scheme": "brats-2023", "names": ["WT", "TC", "ET"]},
        "network": {"name": "plain-unet", "parameters": NETWORK},
        "inference": {"patch": [8, 8, 8], "overlap": 0.5, "mirror": True},
        **changes,
    }


def write_toy(folder: Path, seeds: tuple[int, ...] = (0,), document: Mapping[str, Any] | None = None) -> Bundle:
    import torch

    from glioscope.networks import build_network

    torch.set_num_threads(1)
    told = dict(document or document_of())
    labels = told["target"]["kind"] == "labels"
    members = {}
    for number, seed in enumerate(seeds):
        torch.manual_seed(seed)
        network = build_network(
            told["network"]["name"],
            len(told["inputs"]["channels"]),
            len(told["target"]["names"]) + labels,
            told["network"]["parameters"],
        )
        members[f"fold-{number}.safetensors"] = network.state_dict()
    return write_bundle(folder, told, members)
