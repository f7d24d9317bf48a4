"""Weights out of a PyTorch file of another program, without running what such a file may contain."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glioscope.core import InputUnreadable

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["fitted_weights", "load_checkpoint"]

_WRAPPERS = ("module.", "_orig_mod.")
"""What DDP and torch.compile put before every name."""


def load_checkpoint(file: Path) -> Any:  # noqa: ANN401
    """What is in a file of `torch.save`: tensors, numbers, text and their containers, NumPy numbers too.

    Such a file is a program; PyTorch's restricted reader refuses everything but what is listed here.

    Raises:
        InputUnreadable: it cannot be read, or it would run something else.
    """
    import torch

    scalar = np._core.multiarray.scalar  # type: ignore[attr-defined]
    kinds = [type(np.dtype(code)) for code in ("f2", "f4", "f8", "i4", "i8", "u1", "?")]
    safe = [scalar, (scalar, "numpy.core.multiarray.scalar"), np.dtype, *kinds]
    if not file.is_file():
        raise InputUnreadable(f"There is no file '{file}'.")
    try:
        with torch.serialization.safe_globals(safe):
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise InputUnreadable(
            f"'{file}' holds more than weights: it would run code of its own when it is read, so it is not read. "
            "Ask its author for the state dict alone."
        ) from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError):
        raise InputUnreadable(f"'{file}' is not a file of PyTorch weights.") from None


def fitted_weights(
    name: str,
    channels: int,
    outputs: int,
    parameters: Mapping[str, Any],
    weights: Mapping[str, Tensor],
    where: str,
    *,
    axes: Sequence[int] = (0, 1, 2),
) -> dict[str, Tensor]:
    """The weights of the network `name` of this package, from those of the library's module that it wraps.

    Args:
        name: In `NETWORKS`; the module that it wraps is its `network`.
        channels: Input channels.
        outputs: Output channels.
        parameters: Of the network, its axes in our order.
        weights: The library's, by its names.
        where: File to name in an error.
        axes: For each of our axes, which of the model's it is.

    Raises:
        InputUnreadable: a weight is missing, has another shape, or there is one that the network has not.
        InvalidImage: the network cannot be built so.
        EngineMissing: a Python package that it needs is not installed.
    """
    from glioscope.networks.registry import build_network
    from glioscope.networks.state import unique_state

    plain = {_unwrapped(key): value for key, value in weights.items()}
    network = build_network(name, channels, outputs, parameters)
    own = unique_state(network)
    names = {key.removeprefix("network.") for key in network.state_dict()}
    strange = next((key for key in plain if key not in names), None)
    if strange is not None:
        raise InputUnreadable(f"'{where}' has the weight '{strange}', which a network of its description has not.")
    out: dict[str, Tensor] = {}
    for key, tensor in own.items():
        theirs = plain.get(key.removeprefix("network."))
        if theirs is None:
            raise InputUnreadable(f"'{where}' lacks the weight '{key.removeprefix('network.')}'.")
        turned = theirs.permute(0, 1, *(axis + 2 for axis in axes)).contiguous() if theirs.ndim == 5 else theirs.clone()
        if turned.shape != tensor.shape:
            raise InputUnreadable(
                f"'{where}': the weight '{key.removeprefix('network.')}' has the shape {tuple(turned.shape)}, but its "
                f"description asks for {tuple(tensor.shape)}."
            )
        out[key] = turned
    return out


def _unwrapped(key: str) -> str:
    for wrapper in _WRAPPERS:
        key = key.removeprefix(wrapper)
    return key
