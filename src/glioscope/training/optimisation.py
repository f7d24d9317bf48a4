"""Optimisers, and how the learning rate falls."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from glioscope.training.recipe_schema import Optimiser, Schedule

__all__ = ["build_optimiser", "learning_rate"]


def build_optimiser(parameters: Iterable[nn.Parameter], rules: Optimiser) -> torch.optim.Optimizer:
    """The optimiser of a recipe over those of `parameters` that are not frozen."""
    learnt = [parameter for parameter in parameters if parameter.requires_grad]
    if rules.name == "sgd":
        # Without momentum there is nothing that could look ahead.
        nesterov = rules.nesterov and rules.momentum > 0
        return torch.optim.SGD(learnt, rules.lr, rules.momentum, weight_decay=rules.weight_decay, nesterov=nesterov)
    kind = torch.optim.AdamW if rules.name == "adamw" else torch.optim.Adam
    return kind(learnt, rules.lr, weight_decay=rules.weight_decay)


def learning_rate(rules: Schedule, lr: float, epoch: int, epochs: int) -> float:
    """The learning rate of an epoch, counted from 0: a pure function, so that a continued run needs no scheduler's state.

    Args:
        rules: Its shape. `poly` falls as in nnU-Net (Isensee et al., Nature Methods 2021), `exponential` by a constant factor
            an epoch, `cosine` along half a wave to 0 (Loshchilov & Hutter, ICLR 2017); all begin after the warm-up.
        lr: The recipe's.
        epoch: From 0.
        epochs: Of the whole training.
    """
    if epoch < rules.warmup:
        return lr * (epoch + 1) / (rules.warmup + 1)
    done, all_ = epoch - rules.warmup, max(1, epochs - rules.warmup)
    if rules.name == "poly":
        return float(lr * (1 - done / all_) ** rules.exponent)
    if rules.name == "exponential":
        return float(lr * rules.gamma**done)
    if rules.name == "cosine":
        return lr * (1 + math.cos(math.pi * done / all_)) / 2
    return lr
