"""What MONAI has too is the same."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.losses.cases import value

losses = pytest.importorskip("monai.losses", reason="the losses are compared with MONAI's where it is installed")


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize(
    ("term", "peer", "options"),
    [
        ({"name": "dice"}, "DiceLoss", {"smooth_nr": 1e-5, "smooth_dr": 1e-5}),
        ({"name": "dice", "batch": True}, "DiceLoss", {"smooth_nr": 1e-5, "smooth_dr": 1e-5, "batch": True}),
        ({"name": "dice", "squared": True}, "DiceLoss", {"smooth_nr": 1e-5, "smooth_dr": 1e-5, "squared_pred": True}),
        ({"name": "tversky"}, "TverskyLoss", {"alpha": 0.3, "beta": 0.7}),
        ({"name": "generalised-dice", "smooth": 0.0}, "GeneralizedDiceLoss", {"smooth_nr": 0.0, "smooth_dr": 0.0}),
    ],
)
def test_same_value(term: dict[str, Any], peer: str, options: dict[str, Any], activation: str) -> None:
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(0, 3, (2, 5, 4, 6), generator=generator)
    target = torch.nn.functional.one_hot(labels, 3).permute(0, 4, 1, 2, 3).float()
    logits = torch.randn(target.shape, generator=generator)
    background = activation == "sigmoid" or peer == "GeneralizedDiceLoss"

    theirs = getattr(losses, peer)(include_background=background, **{activation: True}, **options)(logits, target)

    assert value(term, logits, target, activation) == pytest.approx(float(theirs), abs=1e-5)


def test_same_focal_loss() -> None:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(2, 3, 4, 4, 4, generator=generator)
    target = (torch.rand(logits.shape, generator=generator) < 0.4).float()

    theirs = losses.FocalLoss(gamma=2.0)(logits, target)

    assert value({"name": "focal"}, logits, target) == pytest.approx(float(theirs), abs=1e-6)
