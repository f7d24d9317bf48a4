"""What each loss does where the target, or the prediction, or both are empty."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from glioscope.losses import LOSSES, build_loss
from tests.losses.cases import value

EMPTY = torch.zeros(1, 2, 6, 6, 6)
NOTHING = torch.full_like(EMPTY, -30.0)
SPOT = NOTHING.clone()
SPOT[:, :, 2, 3, 3] = 30.0

BLIND = {"hausdorff", "blob"}
"""Without anything in the target there is no distance and no component."""


@pytest.mark.parametrize("name", LOSSES)
def test_nothing_found_where_nothing_is_costs_nothing(name: str) -> None:
    assert value({"name": name}, NOTHING, EMPTY) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("name", sorted(set(LOSSES) - BLIND))
def test_something_found_where_nothing_is_costs(name: str) -> None:
    assert value({"name": name}, SPOT, EMPTY) > value({"name": name}, NOTHING, EMPTY) + 1e-3


@pytest.mark.parametrize("name", sorted(BLIND))
def test_losses_without_an_opinion_on_empty_targets_are_zero_and_can_be_derived(name: str) -> None:
    logits = SPOT.clone().requires_grad_()

    loss = build_loss([{"name": name}])(logits, EMPTY)
    loss.backward()

    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


@pytest.mark.parametrize("name", sorted(set(LOSSES) - {"hausdorff"}))
def test_a_region_that_is_missed_costs(name: str) -> None:
    target = EMPTY.clone()
    target[:, 0, 2:4, 2:4, 2:4] = 1

    assert value({"name": name}, NOTHING, target) > 0.01


@pytest.mark.parametrize("smooth", [0.0, 1e-5])
@pytest.mark.parametrize("name", ["dice", "tversky"])
def test_no_smoothing_gives_no_nan(name: str, smooth: float) -> None:
    logits = torch.full_like(EMPTY, -200.0, requires_grad=True)

    loss = build_loss([{"name": name, "smooth": smooth}])(logits, EMPTY)
    loss.backward()

    assert torch.isfinite(loss)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("term", [{"name": name} for name in LOSSES if name != "bce"], ids=str)
def test_certain_logits_are_finite(term: dict[str, Any]) -> None:
    target = torch.zeros(1, 2, 4, 4, 4)
    target[:, 0] = 1
    for activation in ("sigmoid", "softmax"):
        logits = ((target - 0.5) * -2000).requires_grad_()
        loss = build_loss([term], activation)(logits, target)
        loss.backward()
        assert torch.isfinite(loss)
        assert logits.grad is not None
        assert torch.isfinite(logits.grad).all()


def test_a_generalised_dice_class_without_voxels_weighs_as_the_rarest() -> None:
    target = EMPTY.clone()
    target[:, 0, 0, 0, 0] = 1
    logits = SPOT.clone()
    logits[:, 0] = NOTHING[:, 0]
    logits[:, 0, 0, 0, 0] = 30

    # Overlap 1; sizes 2 and 1, both of weight 1: 1 - 2 / 3.
    assert value({"name": "generalised-dice"}, logits, target) == pytest.approx(1 / 3, abs=1e-4)
