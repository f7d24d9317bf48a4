"""The gradient of each loss is that of finite differences, and reaches weights of any precision."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from glioscope.losses import LOSSES, build_loss
from glioscope.losses.deep_supervision import DeepSupervision
from tests.losses.cases import value  # noqa: F401  sets one thread

TERMS: list[dict[str, Any]] = [
    *({"name": name} for name in LOSSES),
    {"name": "dice", "batch": True, "squared": True},
    {"name": "focal", "alpha": 0.3, "gamma": 1.5},
    {"name": "hausdorff", "mean": 0.1, "maximum": 0.01, "beta": 2},
]


def target_for(activation: str) -> torch.Tensor:
    """Two exams of 3 x 4 x 3 voxels with two channels."""
    generator = torch.Generator().manual_seed(3)
    foreground = (torch.rand(2, 1, 3, 4, 3, generator=generator) < 0.3).double()
    other = 1 - foreground if activation == "softmax" else (torch.rand(2, 1, 3, 4, 3, generator=generator) < 0.6).double()
    return torch.cat([other, foreground], dim=1)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize("term", TERMS, ids=str)
def test_gradient_is_that_of_finite_differences(term: dict[str, Any], activation: str) -> None:
    if term["name"] == "bce" and activation == "softmax":
        pytest.skip("for regions only")
    loss, target = build_loss([term], activation), target_for(activation)
    logits = torch.randn(target.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64, requires_grad=True)

    assert torch.autograd.gradcheck(lambda x: loss(x, target), (logits,), eps=1e-6, atol=1e-6)
    (gradient,) = torch.autograd.grad(loss(logits, target), logits)
    assert gradient.abs().sum() > 0


@pytest.mark.parametrize("term", TERMS, ids=str)
def test_half_precision_is_computed_in_single(term: dict[str, Any]) -> None:
    loss, target = build_loss([term]), target_for("sigmoid")
    logits = torch.randn(target.shape, generator=torch.Generator().manual_seed(5)).bfloat16()

    with torch.autocast("cpu", dtype=torch.bfloat16):
        low = loss(logits, target.bfloat16())

    assert low.dtype == torch.float32
    assert torch.equal(low, loss(logits.float(), target.float()))


def test_deep_supervision_passes_gradients_to_all_but_the_coarsest() -> None:
    target = torch.zeros(1, 1, 8, 8, 8)
    target[..., 2:6] = 1
    outputs = [torch.zeros(1, 1, side, side, side, requires_grad=True) for side in (8, 4, 2)]

    DeepSupervision(build_loss([{"name": "dice"}]))(outputs, target).backward()

    assert [output.grad is not None for output in outputs] == [True, True, False]
