"""What is peculiar to single networks."""

from __future__ import annotations

import os
import subprocess
import sys
from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn import functional

from glioscope.core import InvalidImage
from glioscope.networks import build_network
from glioscope.networks.attention_gate import AttentionGate
from glioscope.networks.segresnet import SegResNet
from glioscope.networks.unpooling_unet import _unpool
from tests.networks.small import PATCH, image, small


def test_the_middle_is_that_of_the_optimised_unet_paper() -> None:
    # Encoder levels 5 to 7 and decoder levels 6 to 4 of seven.
    with torch.device("meta"):
        network = build_network("optimised-unet", 4, 3)
    inside = {id(parameter) for module in network.parts()["middle"] for parameter in module.parameters()}
    parents = {".".join(key.split(".")[:2]) for key, parameter in network.named_parameters() if id(parameter) in inside}

    assert parents == {
        *("encoder.4", "encoder.5", "encoder.6", "raises.0", "raises.1", "raises.2", "decoder.0", "decoder.1", "decoder.2")
    }


def test_optimised_unet_adds_the_foreground() -> None:
    network = small("optimised-unet").eval()
    seen: list[torch.Tensor] = []
    network.get_submodule("encoder.0").register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    given = image(16, 16, 16)
    given[:, :, :5] = 0
    given[:, 1:, 5] = 0

    with torch.no_grad():
        network(given)

    assert torch.equal(seen[0][:, :3], given)
    assert torch.equal(seen[0][0, 3], (torch.arange(16) >= 5).float()[:, None, None].expand(16, 16, 16))


def test_the_variational_branch_learns_in_training_only() -> None:
    network = small("segresnet").train()
    network(image(*PATCH))
    trained = network.extra_loss
    with pytest.raises(InvalidImage, match="built for patches"):
        network(image(16, 16, 16))
    network.eval()(image(16, 16, 16))

    assert trained is not None
    assert trained > 0
    assert network.extra_loss is None


def test_the_extra_loss_is_weighted() -> None:
    network = small("segresnet").train()
    assert isinstance(network, SegResNet)
    values = []
    for weight in (0.1, 0.3):
        torch.manual_seed(4)
        network.extra_weight = weight
        network(image(*PATCH))
        assert network.extra_loss is not None
        values.append(network.extra_loss.item())

    assert values[1] == pytest.approx(3 * values[0], rel=1e-5)


def test_a_network_can_be_copied_after_a_forward() -> None:
    network = small("segresnet").train()
    network(image(*PATCH))

    copy = deepcopy(network)

    assert copy.extra_loss is None
    assert network.extra_loss is not None
    given = image(16, 16, 16)
    assert torch.equal(copy.eval()(given), network.eval()(given))


def test_unpooling_puts_maxima_back() -> None:
    given = image(4, 6, 8)
    pooled, places = functional.max_pool3d(given, 2, return_indices=True)

    assert torch.equal(_unpool(pooled, places, given), functional.max_unpool3d(pooled, places, [2, 2, 2]))


def test_an_attention_gate_scales_voxels() -> None:
    gate = AttentionGate(1, 1, 1, "instance").eval()
    with torch.no_grad():
        for name in ("of_gate.0", "of_skip.0", "weight.1"):
            gate.get_parameter(f"{name}.weight").fill_(1)
            gate.get_parameter(f"{name}.bias").zero_()
    signal = torch.tensor([-1.0, 1.0])[None, None, None, None]
    skip = torch.full_like(signal, 5.0)

    # The gate normalises to -1 and 1, the even skip to 0; rectified 0 and 1; normalised -1 and 1; sigmoid.
    expected = torch.sigmoid(torch.tensor([-1.0, 1.0]))
    assert torch.allclose(gate.coefficients(signal, skip).flatten(), expected, atol=1e-4)
    assert torch.allclose(gate(signal, skip).flatten(), 5 * expected, atol=1e-3)


def test_agunet_sees_the_image_at_every_level() -> None:
    network = small("agunet").eval()
    seen: list[torch.Tensor] = []
    for entry in network.get_submodule("entries").children():
        entry.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    given = image(16, 16, 16)

    with torch.no_grad():
        network(given)

    assert [tuple(x.shape[2:]) for x in seen] == [(8, 8, 8), (4, 4, 4)]
    assert torch.allclose(seen[1][0, :, 0, 0, 0], given[0, :, :4, :4, :4].mean((1, 2, 3)), atol=1e-6)


def test_agunet_without_its_gates_and_scales_is_a_unet() -> None:
    network = build_network("agunet", 2, 1, {"features": [4, 4, 8], "multi_scale": False, "gates": False})

    assert not any(isinstance(module, AttentionGate) for module in network.modules())
    assert network.eval()(image(8, 8, 8, channels=2)).shape == (1, 1, 8, 8, 8)
    assert isinstance(network.get_submodule("encoder.0.0.1"), nn.BatchNorm3d)


def test_a_variational_patch_may_be_as_small_as_the_divisor() -> None:
    network = build_network("segresnet", 2, 2, {"init_filters": 8, "variational": True, "patch": (16, 16, 16), "latent": 4})
    assert network.train()(image(16, 16, 16)[:, :2]).shape == (1, 2, 16, 16, 16)


def test_monai_cannot_make_mlflow_report_its_use() -> None:
    pytest.importorskip("monai")
    code = (
        "import os, sys; from glioscope.networks import build_network; "
        "build_network('segresnet', 1, 1, {'init_filters': 8}); told = sys.modules.get('mlflow.telemetry.client'); "
        "assert told is None or told.get_telemetry_client() is None"
    )
    quiet = ("DO_NOT_TRACK", "MLFLOW_DISABLE_TELEMETRY", "CI", "PYTEST_CURRENT_TEST")
    clean = {key: value for key, value in os.environ.items() if key not in quiet}
    subprocess.run([sys.executable, "-c", code], check=True, env=clean)


def test_what_folded_unet_adds_directly_counts_from_the_first_answer_on() -> None:
    torch.manual_seed(0)
    parameters = {"features": [4, 8, 8], "heads": 2}
    plain = build_network("folded-unet", 2, 3, parameters)
    direct = build_network("folded-unet", 2, 3, {**parameters, "direct": [[1, 2, 3.0]]})
    direct.load_state_dict(plain.state_dict(), strict=False)
    seen = torch.randn(1, 2, 16, 16, 16)
    for network in (plain, direct):
        network.deep_supervision = True
    with torch.no_grad():
        without, with_it = plain.train()(seen), direct.train()(seen)
    added = 3 * seen[:, 1]
    torch.testing.assert_close(with_it[0][:, 2], without[0][:, 2] + added)
    torch.testing.assert_close(with_it[1][:, 2], without[1][:, 2] + torch.nn.functional.avg_pool3d(added, 2))
    torch.testing.assert_close(with_it[0][:, :2], without[0][:, :2])


@pytest.mark.parametrize("row", [[2, 0, 1.0], [0, 3, 1.0], [-1, 0, 1.0]])
def test_what_folded_unet_cannot_add(row: list[float]) -> None:
    with pytest.raises(InvalidImage, match="'direct' names"):
        build_network("folded-unet", 2, 3, {"direct": [row]})
