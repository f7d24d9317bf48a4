"""Losses by name, and what is said where a name is wrong."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch

from glioscope.core import InvalidImage
from glioscope.losses import LOSSES, build_loss, list_losses
from glioscope.losses.deep_supervision import DeepSupervision
from tests.losses.cases import G, P, logits_of, target_of


def test_all_losses_of_the_field_are_there() -> None:
    assert [entry.name for entry in list_losses()] == [
        *("dice", "ce", "bce", "focal", "topk", "mse", "edge", "tversky", "generalised-dice", "hausdorff", "blob")
    ]
    assert all(entry.title and entry.source for entry in list_losses())


def test_listing_imports_no_engine() -> None:
    code = (
        "import sys, glioscope.losses, glioscope.networks\n"
        "glioscope.losses.list_losses(), glioscope.networks.list_networks()\n"
        "print([m for m in ('torch', 'monai', 'dynamic_network_architectures', 'cc3d') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.parametrize("name", LOSSES)
def test_each_is_built_by_its_name(name: str) -> None:
    assert build_loss([{"name": name}]).names == (name,)


@pytest.mark.parametrize(
    ("terms", "activation", "said"),
    [
        ([{"name": "dise"}], "sigmoid", "no loss 'dise' (did you mean 'dice'?)"),
        ([{"weight": 1}], "sigmoid", "no loss None"),
        ([{"name": "dice", "bach": True}], "sigmoid", "no parameter 'bach' (did you mean 'batch'?)"),
        ([{"name": "dice", "weight": -1}], "sigmoid", "weight of loss 'dice'"),
        ([{"name": "dice", "weight": "much"}], "sigmoid", "weight of loss 'dice'"),
        ([{"name": "dice", "weight": float("nan")}], "sigmoid", "weight of loss 'dice'"),
        ([{"name": "topk", "percent": 0}], "sigmoid", "percentage above 0"),
        ([{"name": "topk", "percent": "ten"}], "sigmoid", "'topk' cannot be built from {'percent': 'ten'}"),
        ([{"name": "focal", "gamma": 0.5}], "sigmoid", "gamma"),
        ([{"name": "hausdorff", "mean": 0}], "sigmoid", "one above 0"),
        ([{"name": "hausdorff", "beta": 0.5}], "sigmoid", "beta from 1 up"),
        ([{"name": "bce"}], "softmax", "take 'ce'"),
        ([{"name": "dice"}], "tanh", "no activation 'tanh'"),
        ([], "sigmoid", "at least one term"),
    ],
)
def test_what_is_wrong_is_named(terms: list[dict[str, Any]], activation: str, said: str) -> None:
    with pytest.raises(InvalidImage) as raised:
        build_loss(terms, activation)
    assert said in str(raised.value)


def test_a_sum_is_weighted_and_keeps_its_terms_for_logs() -> None:
    loss = build_loss([{"name": "dice", "weight": 2}, {"name": "mse", "weight": 0.5}, {"name": "mse", "weight": 0}])

    assert float(loss(logits_of(P), target_of(G))) == pytest.approx(2 * 0.170732 + 0.5 * 0.0375, abs=1e-5)
    assert {name: round(float(value), 4) for name, value in loss.values.items()} == {
        "dice": 0.1707,
        "mse": 0.0375,
        "mse-3": 0.0375,
    }


def test_resolutions_are_weighted_as_in_nnunet() -> None:
    # Probability 1/2, 3/4 and 0.9 at full, half and quarter size, target 0: squares 1/4, 9/16, 0.81; weights 2/3, 1/3, 0.
    outputs = [torch.full((1, 1, s, s, s), p).logit() for s, p in ((8, 0.5), (4, 0.75), (2, 0.9))]
    target = torch.zeros(1, 1, 8, 8, 8)
    loss = build_loss([{"name": "mse"}])

    assert float(DeepSupervision(loss)(outputs, target)) == pytest.approx(2 / 3 / 4 + 9 / 16 / 3)
    assert float(loss.values["mse"]) == pytest.approx(0.25)
    assert float(DeepSupervision(loss, [1, 1, 2])(outputs, target)) == pytest.approx((0.25 + 0.5625 + 2 * 0.81) / 4)
    assert float(DeepSupervision(loss)(outputs[:1], target)) == pytest.approx(0.25)
    assert float(DeepSupervision(loss)(outputs[0], target)) == pytest.approx(0.25)


def test_resolutions_take_the_target_by_nearest_neighbour() -> None:
    target = torch.zeros(1, 1, 4, 4, 4)
    target[:, :, 2:] = 1
    coarse = (80 * target[:, :, ::2, ::2, ::2] - 40).contiguous()

    assert float(DeepSupervision(build_loss([{"name": "mse"}]), [0, 1])([target, coarse], target)) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("weights", [[0, 0], [1, -1]])
def test_weights_of_resolutions_have_to_make_sense(weights: list[float]) -> None:
    with pytest.raises(InvalidImage, match="from 0 up"):
        DeepSupervision(build_loss([{"name": "mse"}]), weights)


def test_weights_of_resolutions_have_to_match() -> None:
    outputs = [torch.zeros(1, 1, 2, 2, 2)] * 3
    with pytest.raises(InvalidImage, match="2 weights, but the network gives 3"):
        DeepSupervision(build_loss([{"name": "mse"}]), [1, 1])(outputs, torch.zeros(1, 1, 2, 2, 2))
