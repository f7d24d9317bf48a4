"""Each loss alone, or with what it needs beside it, learns one tiny exam."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from glioscope.losses import build_loss
from tests.losses.cases import value  # noqa: F401  sets one thread

ARMS: list[list[dict[str, Any]]] = [
    [{"name": "mse", "weight": 0.25}, {"name": "ce", "weight": 0.0044}, {"name": "edge", "weight": 0.00015}],
    [{"name": "dice"}, {"name": "focal"}, {"name": "edge", "weight": 0.05}],
    [{"name": "dice"}, {"name": "focal"}, {"name": "edge", "weight": 0.005}],
]
"""The three of Ren et al., BrainLes 2023, 3.2."""

ALONE = ["dice", "ce", "bce", "focal", "topk", "mse", "tversky", "generalised-dice", "blob"]


def exam() -> tuple[Tensor, Tensor]:
    """Two noisy channels, and two nested regions of which the inner has two components."""
    generator = torch.Generator().manual_seed(0)
    whole, core = torch.zeros(10, 10, 10), torch.zeros(10, 10, 10)
    whole[1:8, 2:9, 2:8] = 1
    core[2:5, 3:8, 3:7] = 1
    core[6:8, 3:8, 3:6] = 1
    target = torch.stack([whole, core])[None]
    return target + 0.05 * torch.randn(target.shape, generator=generator), target


def learn(terms: list[dict[str, Any]], activation: str, image: Tensor, target: Tensor) -> Tensor:
    """Probabilities after 100 steps of a pointwise network."""
    torch.manual_seed(0)
    last = nn.Conv3d(8, target.shape[1], 1)
    network = nn.Sequential(nn.Conv3d(2, 8, 1), nn.LeakyReLU(), last)
    # An even start: edges of a random one outweigh what there is to learn in so small an exam.
    nn.init.zeros_(last.weight)
    loss = build_loss(terms, activation)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.05)
    for _ in range(100):
        optimiser.zero_grad()
        loss(network(image), target).backward()
        optimiser.step()
    logits: Tensor = network(image).detach()
    return torch.softmax(logits, 1) if activation == "softmax" else torch.sigmoid(logits)


def dice_of(found: Tensor, target: Tensor) -> float:
    return float(2 * (found * target).sum() / (found.sum() + target.sum()))


@pytest.mark.parametrize("terms", [*([{"name": name}] for name in ALONE), *ARMS], ids=str)
def test_regions(terms: list[dict[str, Any]]) -> None:
    image, target = exam()

    found = (learn(terms, "sigmoid", image, target) > 0.5).float()

    assert min(dice_of(found[:, k], target[:, k]) for k in (0, 1)) >= 0.95


@pytest.mark.parametrize("name", [*(name for name in ALONE if name != "bce"), "hausdorff"])
def test_labels(name: str) -> None:
    image, regions = exam()
    whole, core = regions[:, 0], regions[:, 1]
    target = torch.stack([1 - whole, whole - core, core], dim=1)

    labels = learn([{"name": name}], "softmax", image, target).argmax(1)

    assert min(dice_of((labels == k).float(), target[:, k]) for k in (1, 2)) >= 0.95


def test_edges_alone_sharpen_a_faint_start() -> None:
    # Of a flat start or of an inverted one the edges alone can say nothing.
    image, target = exam()
    logits = (image - 0.5).requires_grad_()
    loss = build_loss([{"name": "edge"}])
    optimiser = torch.optim.Adam([logits], lr=0.1)
    for _ in range(100):
        optimiser.zero_grad()
        loss(logits, target).backward()
        optimiser.step()

    found = (logits.detach() > 0).float()

    assert loss(logits, target).item() < 0.1 * loss(image - 0.5, target).item()
    assert min(dice_of(found[:, k], target[:, k]) for k in (0, 1)) >= 0.95
