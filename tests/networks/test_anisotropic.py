from __future__ import annotations

import pytest
import torch
from torch import nn

from glioscope.core import InvalidImage
from glioscope.networks.anisotropic import REACH, AnisotropicNetwork, _Doubled, _Halved, _Residual


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.mark.parametrize(("halvings", "count"), [(2, 214_470), (1, 204_396)])
def test_as_many_trainable_parameters_as_the_published_weights(halvings: int, count: int) -> None:
    network = AnisotropicNetwork(4, 2, halvings=halvings)
    assert sum(p.numel() for p in network.parameters()) == count


@pytest.mark.parametrize("size", [(8, 12, 3), (7, 9, 5)])
def test_logits_have_the_size_of_the_image(size: tuple[int, int, int]) -> None:
    network = AnisotropicNetwork(2, 3, features=4).eval()
    assert network(torch.randn(1, 2, *size)).shape == (1, 3, *size)


def test_gradient_reaches_every_parameter() -> None:
    network = AnisotropicNetwork(3, 2, features=6, halvings=1)
    network(torch.randn(2, 3, 8, 8, 9)).square().sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not bool(p.grad.any())] == []


def test_a_slice_depends_on_reach_slices_to_either_side_and_no_further() -> None:
    network = AnisotropicNetwork(1, 2, features=4).eval()
    image = torch.randn(1, 1, 8, 8, 2 * REACH + 3)
    changed = image.clone()
    changed[..., 0] += 1
    with torch.no_grad():
        moved = (network(changed) - network(image)).abs().amax((0, 1, 2, 3))
    assert bool(moved[REACH] > 0)
    assert not moved[REACH + 1 :].any()


def test_halving_starts_at_the_first_voxel_and_doubling_puts_it_back() -> None:
    image = torch.arange(1.0, 17).reshape(1, 1, 1, 4, 4)
    down, up = _Halved(1), _Doubled(1, 1)
    for layer in (down, up):
        nn.init.zeros_(layer.weight)
        with torch.no_grad():
            layer.weight[..., 0, 0] = 1
    half = down(image)
    assert half.tolist() == [[[[[1, 3], [9, 11]]]]]
    assert up(half)[0, 0, 0].tolist() == [[1, 0, 3, 0], [0, 0, 0, 0], [9, 0, 11, 0], [0, 0, 0, 0]]


def test_new_channels_of_a_residual_block_lie_around_the_old_ones() -> None:
    block = _Residual(2, 6, 1, True).eval()
    nn.init.zeros_(block.convolution2.weight)
    image = torch.ones(1, 2, 1, 3, 3)
    assert block(image)[0, :, 0, 0, 0].tolist() == [0, 0, 1, 1, 0, 0]


def test_local_statistics_make_the_answer_independent_of_scale_and_keep_no_averages() -> None:
    network = AnisotropicNetwork(1, 2, features=4, statistics="local").eval()
    image = torch.randn(1, 1, 8, 8, 5)
    norm = network.get_submodule("stage1.0.norm1")
    torch.testing.assert_close(norm(image), norm(7 * image + 3), atol=1e-3, rtol=0)
    assert not [name for name in network.state_dict() if "running" in name]


def test_wrong_parameters_cost_a_sentence() -> None:
    with pytest.raises(InvalidImage, match="1 or 2 times, not 3"):
        AnisotropicNetwork(1, 2, halvings=3)
    with pytest.raises(InvalidImage, match="'mean'"):
        AnisotropicNetwork(1, 2, statistics="mean")  # type: ignore[arg-type]
