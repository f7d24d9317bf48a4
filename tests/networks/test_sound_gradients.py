"""Gradients in bfloat16 on a CPU: oneDNN gave noise for the kernels of convolutions that are less deep than they are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from glioscope.networks.sound_gradients import SoundGradients


def _kernel_gradient(layer: nn.Module, image: Tensor, outward: Tensor) -> Tensor:
    layer.zero_grad()
    layer(image).backward(outward)
    return next(layer.parameters()).grad.double()  # type: ignore[union-attr]


CASES: list[tuple[str, Callable[[], nn.Module], tuple[int, int, int]]] = [
    ("bottom of a U-Net", lambda: nn.Conv3d(32, 32, 3, padding=1), (2, 2, 2)),
    ("shallow only along the first axis", lambda: nn.Conv3d(32, 32, 3, padding=1), (2, 7, 5)),
    ("with a step", lambda: nn.Conv3d(32, 32, 3, 2, padding=1), (3, 6, 6)),
    ("a step within the planes", lambda: nn.Conv3d(32, 32, 3, (1, 2, 2), padding=1), (2, 4, 4)),
    ("along one axis", lambda: nn.Conv3d(32, 32, (3, 1, 1), padding=(1, 0, 0)), (2, 3, 3)),
    ("a larger kernel", lambda: nn.Conv3d(32, 32, 5, padding=2), (4, 4, 4)),
    ("dilated", lambda: nn.Conv3d(32, 32, 3, padding=2, dilation=2), (3, 6, 6)),
    ("transposed", lambda: nn.ConvTranspose3d(32, 32, 3, padding=1), (2, 3, 4)),
    ("deep enough", lambda: nn.Conv3d(32, 32, 3, padding=1), (4, 3, 3)),
]


@pytest.mark.parametrize(("make", "size"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_gradient_of_the_kernel_is_that_of_double_precision(
    make: Callable[[], nn.Module], size: tuple[int, int, int]
) -> None:
    torch.manual_seed(3)
    layer, image = make(), torch.randn(1, 32, *size)
    with SoundGradients(), torch.autocast("cpu", torch.bfloat16):
        outward = torch.randn_like(layer(image))
        found = _kernel_gradient(layer, image, outward)
    right = _kernel_gradient(layer.double(), image.double(), outward.double())
    assert (found - right).norm() < 0.02 * right.norm()


def _dtypes(size: int) -> list[torch.dtype]:
    """Of what convolutions of three planes give on an image of `size` planes."""
    image, kernel = torch.zeros(1, 1, size, 1, 1), torch.zeros(1, 1, 3, 1, 1)
    with SoundGradients(), torch.autocast("cpu", torch.bfloat16):
        return [
            torch.conv3d(image, kernel, padding=(1, 0, 0)).dtype,
            nn.functional.conv3d(input=image, weight=kernel, stride=2, padding=(1, 0, 0)).dtype,
            torch.conv_transpose3d(image.bfloat16(), kernel).dtype,
        ]


def test_only_shallow_convolutions_are_computed_in_single_precision() -> None:
    assert _dtypes(2) == [torch.float32, torch.float32, torch.float32]
    assert _dtypes(3) == [torch.bfloat16, torch.float32, torch.bfloat16]  # a step of 2 leaves two of three planes
    assert _dtypes(5) == [torch.bfloat16, torch.bfloat16, torch.bfloat16]


def test_without_mixed_precision_nothing_changes() -> None:
    with SoundGradients():
        assert torch.conv3d(torch.zeros(1, 1, 1, 1, 1).double(), torch.zeros(1, 1, 1, 1, 1).double()).dtype == torch.float64
