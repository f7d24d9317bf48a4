"""Tiny cases whose losses can be worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from glioscope.losses import build_loss

torch.set_num_threads(1)

P = (0.9, 0.8, 0.3, 0.1)
G = (1, 1, 0, 0)


def logits_of(*regions: Sequence[float]) -> Tensor:
    """Logits (1, K, 1, 1, V) whose sigmoid is `regions`."""
    return torch.logit(torch.tensor(regions, dtype=torch.float64))[None, :, None, None]


def target_of(*regions: Sequence[int]) -> Tensor:
    """Target (1, K, 1, 1, V)."""
    return torch.tensor(regions, dtype=torch.float64)[None, :, None, None]


def value(term: dict[str, Any], logits: Tensor, target: Tensor, activation: str = "sigmoid") -> float:
    """What the loss of one term is."""
    return float(build_loss([term], activation)(logits, target))
