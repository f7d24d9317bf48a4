"""Weights under one name each, and what is said where they do not fit."""

from __future__ import annotations

import pytest
import torch

from glioscope.core import InvalidImage
from glioscope.networks.state import load_state, transfer_state, unique_state
from tests.networks.small import image, small


def test_no_tensor_is_named_twice() -> None:
    network = small("plain-unet")
    state = unique_state(network)

    assert len({tensor.data_ptr() for tensor in state.values()}) == len(state) < len(network.state_dict())
    assert sum(tensor.numel() for tensor in state.values()) == sum(p.numel() for p in network.parameters())


def test_buffers_are_kept() -> None:
    network = small("agunet")
    network.register_buffer("scale", torch.ones(1))
    network.register_buffer("scratch", torch.ones(1), persistent=False)

    assert "scale" in unique_state(network)
    assert "scratch" not in unique_state(network)


def test_what_does_not_fit_is_named_and_nothing_is_loaded() -> None:
    network = small("res-unet-3d")
    before = {key: tensor.clone() for key, tensor in unique_state(network).items()}
    good = {key: tensor + 1 for key, tensor in before.items()}

    for state, said in (
        ({key: tensor for key, tensor in good.items() if key != "head.bias"}, "lack 'head.bias'"),
        ({**good, "tail.bias": torch.zeros(1)}, "have 'tail.bias'"),
        ({**good, "head.bias": torch.zeros(5)}, "'head.bias' is (5,), but the network needs (2,)"),
    ):
        with pytest.raises(InvalidImage) as raised:
            load_state(network, state)
        assert said in str(raised.value)
    assert all(torch.equal(tensor, before[key]) for key, tensor in unique_state(network).items())


def test_transfer_to_other_channels_and_regions() -> None:
    first, second = small("res-unet-3d"), small("res-unet-3d", inputs=5, outputs=4, seed=1)

    fresh = transfer_state(second, unique_state(first))

    assert fresh == ["encoder.0.main.0.0.weight", "encoder.0.shortcut.0.weight", "head.weight", "head.bias"]
    assert torch.equal(first.get_parameter("encoder.1.main.0.0.weight"), second.get_parameter("encoder.1.main.0.0.weight"))


def test_weights_of_nnunet_load_as_they_are() -> None:
    unet = pytest.importorskip("dynamic_network_architectures.architectures.unet", reason="nnU-Net's networks come from it")
    network = small("plain-unet").eval()
    torch.manual_seed(9)
    theirs = unet.PlainConvUNet(
        3, 3, [4, 8, 8], torch.nn.Conv3d, [[3] * 3] * 3, [[1] * 3, [2] * 3, [2, 2, 1]], [2, 2, 2], 2, [2, 2],
        conv_bias=True, norm_op=torch.nn.InstanceNorm3d, norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=torch.nn.LeakyReLU, nonlin_kwargs={"inplace": True}, deep_supervision=True,
    ).eval()  # fmt: skip
    given = image(16, 16, 8)

    network.get_submodule("network").load_state_dict(theirs.state_dict())

    assert {"encoder.stages.0.0.convs.0.conv.weight", "decoder.seg_layers.1.bias"} <= set(theirs.state_dict())
    with torch.no_grad():
        assert torch.equal(network(given), theirs(given)[0])
