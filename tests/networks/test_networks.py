"""What holds for every network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from glioscope.networks.state import load_state, unique_state
from tests.networks.small import PARAMETERS, SUPERVISED, image, patch_of, small

EVERY = pytest.mark.parametrize("name", PARAMETERS)


@EVERY
@pytest.mark.parametrize("size", [(17, 21, 13), (1, 5, 40)])
def test_any_size_comes_back(name: str, size: tuple[int, int, int]) -> None:
    network = small(name).eval()
    network.deep_supervision = True

    with torch.no_grad():
        logits = network(image(*size))

    assert isinstance(logits, Tensor)
    assert logits.shape == (1, 2, *size)
    assert torch.isfinite(logits).all()


@EVERY
def test_an_odd_size_is_padded_at_the_ends(name: str) -> None:
    network, size = small(name).eval(), patch_of(name)
    given = image(size[0] - 3, size[1] - 1, size[2])

    with torch.no_grad():
        padded = network(functional.pad(given, (0, 0, 0, 1, 0, 3)))
        assert torch.equal(network(given), padded[:, :, : size[0] - 3, : size[1] - 1])


@EVERY
def test_gradient_reaches_every_parameter(name: str) -> None:
    network = small(name).train()
    network.deep_supervision = True

    outputs = network(image(*patch_of(name), exams=2))
    total = sum(output.square().mean() for output in (outputs if isinstance(outputs, list) else [outputs]))
    if network.extra_loss is not None:
        total = total + network.extra_loss
    total.backward()

    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
        # What a normalisation takes out again, such as a bias before it, has no slope.
        assert parameter.ndim < 2 or parameter.grad.any(), key


@EVERY
def test_resolutions(name: str) -> None:
    network, size = small(name).train(), patch_of(name)

    assert isinstance(network(image(*size, exams=2)), Tensor)
    network.deep_supervision = True
    outputs = network(image(*size, exams=2))

    if name in SUPERVISED:
        assert [output.shape for output in outputs] == [
            (2, 2, *(side // 2**level for side in size)) for level in range(SUPERVISED[name])
        ]
        weights = network.supervision_weights
        assert weights is None or len(weights) == len(outputs)
    else:
        assert outputs.shape == (2, 2, *size)


@EVERY
def test_the_full_resolution_is_the_same_with_and_without_the_others(name: str) -> None:
    network = small(name).train()
    given = image(*patch_of(name), exams=2)

    alone = network(given)
    network.deep_supervision = True
    outputs = network(given)

    assert torch.equal(alone, outputs[0] if isinstance(outputs, list) else outputs)


@EVERY
def test_saved_and_loaded_it_is_the_same(name: str, tmp_path: Path) -> None:
    first, second = small(name).eval(), small(name, seed=1).eval()
    given = image(*patch_of(name))
    torch.save(unique_state(first), tmp_path / "weights.pt")

    with torch.no_grad():
        assert not torch.equal(first(given), second(given))
        load_state(second, torch.load(tmp_path / "weights.pt", weights_only=True))
        assert torch.equal(first(given), second(given))


@EVERY
def test_parts_are_the_network_but_its_heads(name: str) -> None:
    network = small(name)

    def names(part: str) -> set[str]:
        inside = {id(parameter) for module in network.parts()[part] for parameter in module.parameters()}
        return {key for key, parameter in network.named_parameters() if id(parameter) in inside}

    encoder, middle, decoder = (names(part) for part in ("encoder", "middle", "decoder"))
    rest = {key for key, _ in network.named_parameters()} - encoder - decoder
    assert encoder
    assert decoder
    assert middle
    assert not encoder & decoder
    assert middle < encoder | decoder
    assert middle & encoder
    assert middle & decoder
    assert all(any(word in key for word in ("head", "seg_layers", "conv_final", "vae", "out.")) for key in rest), rest


@EVERY
def test_exams_of_a_batch_do_not_mix_in_prediction(name: str) -> None:
    network = small(name).double().eval()
    given = image(*patch_of(name), exams=2).double()

    with torch.no_grad():
        assert torch.allclose(network(given)[1:], network(given[1:]), atol=1e-8)
