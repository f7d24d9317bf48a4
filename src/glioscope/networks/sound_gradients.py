"""Right gradients of convolutions in bfloat16 on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

__all__ = ["SoundGradients"]

_CONVOLUTIONS = {torch.conv3d: False, torch.conv_transpose3d: True}
"""Function -> whether it is transposed."""


class SoundGradients(TorchFunctionMode):
    """A context in which padded 3-D convolutions of less depth than their kernel are computed in single precision.

    oneDNN 3.12, which PyTorch 2.13 computes with on a CPU, gets the gradient of the weights of just these wrong in bfloat16:
    some planes of the kernel are noise, others memory that nobody wrote, now and then not finite. At the bottom of a U-Net a
    patch of 64 voxels is 2 voxels deep, so it matters; it costs next to nothing there. Outside of autocast, and on other
    devices, nothing changes.

    Source: none; `tests/networks/test_sound_gradients.py` shows it against double precision.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        """Call `func`, without autocast where its gradient would be wrong."""
        given = dict(kwargs or {})
        if func in _CONVOLUTIONS and torch.is_autocast_enabled("cpu") and _is_shallow(_CONVOLUTIONS[func], args, given):
            with torch.autocast("cpu", enabled=False):
                return func(*(_single(value) for value in args), **{name: _single(value) for name, value in given.items()})
        return func(*args, **given)


def _is_shallow(transposed: bool, args: Sequence[Any], named: Mapping[str, Any]) -> bool:
    """Whether the convolution's smaller side has fewer planes than its kernel spans, padded or not (to be on the safe side)."""
    image, kernel, stride, dilation = (
        args[place] if len(args) > place else named.get(name, 1)
        for place, name in ((0, "input"), (1, "weight"), (3, "stride"), (7 if transposed else 5, "dilation"))
    )
    depth = int(image.shape[2]) if transposed else -(-int(image.shape[2]) // _first(stride))
    return image.device.type == "cpu" and depth < _first(dilation) * (int(kernel.shape[2]) - 1) + 1


def _first(sides: int | Sequence[int]) -> int:
    return sides if isinstance(sides, int) else int(sides[0])


def _single(value: Any) -> Any:  # noqa: ANN401
    return value.float() if isinstance(value, Tensor) and value.dtype == torch.bfloat16 else value
