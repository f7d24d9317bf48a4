"""Optimisers and learning rates, by hand."""

from __future__ import annotations

import pytest
import torch

from glioscope.training.optimisation import build_optimiser, learning_rate
from glioscope.training.recipe_schema import Optimiser, Schedule


@pytest.mark.parametrize(
    ("schedule", "epoch", "expected"),
    [
        (Schedule("constant"), 7, 0.1),
        (Schedule("poly", exponent=0.9), 0, 0.1),
        (Schedule("poly", exponent=1.0), 4, 0.06),
        (Schedule("poly", exponent=0.9), 5, 0.1 * 0.5**0.9),
        (Schedule("exponential", gamma=0.5), 3, 0.0125),
        (Schedule("cosine"), 0, 0.1),
        (Schedule("cosine"), 5, 0.05),
        (Schedule("cosine", warmup=4), 0, 0.02),
        (Schedule("cosine", warmup=4), 3, 0.08),
        (Schedule("cosine", warmup=4), 4, 0.1),
        (Schedule("cosine", warmup=4), 7, 0.05),
    ],
)
def test_learning_rate_of_an_epoch(schedule: Schedule, epoch: int, expected: float) -> None:
    assert learning_rate(schedule, 0.1, epoch, 10) == pytest.approx(expected)


def test_optimisers() -> None:
    learnt, frozen = torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(2), requires_grad=False)
    sgd = build_optimiser([learnt, frozen], Optimiser("sgd", 0.1, 0.9, True, 3e-5))
    assert isinstance(sgd, torch.optim.SGD)
    (group,) = sgd.param_groups
    assert (group["lr"], group["momentum"], group["nesterov"], group["weight_decay"]) == (0.1, 0.9, True, 3e-5)
    assert len(group["params"]) == 1
    assert build_optimiser([learnt], Optimiser("sgd", 0.1, 0.0)).param_groups[0]["nesterov"] is False
    assert type(build_optimiser([learnt], Optimiser("adam", 0.1))) is torch.optim.Adam
    assert type(build_optimiser([learnt], Optimiser("adamw", 0.1, weight_decay=0.2))) is torch.optim.AdamW
