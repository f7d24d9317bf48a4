"""Weights of a network in a safetensors file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from glioscope.core import EngineMissing, InputUnreadable

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["load_weights", "write_weights"]


_REFUSED = re.compile(r"\(os error (\d+)\)")


def write_weights(file: Path, weights: Mapping[str, Tensor]) -> None:
    """Write weights by name.

    A tensor that stands under two names (a decoder that refers to its encoder) is written once, under the first of them in the
    order given.

    Raises:
        OSError: the file cannot be written.
        EngineMissing: safetensors is not installed.
    """
    try:
        from safetensors import SafetensorError
        from safetensors.torch import save_file
    except ImportError:
        raise EngineMissing("Bundles need the Python package safetensors; install it with `pip install safetensors`.") from None
    once = {_place(tensor): name for name, tensor in reversed(list(weights.items()))}
    kept = {name: weights[name].detach().cpu().contiguous() for name in weights if once[_place(weights[name])] == name}
    mask = os.umask(0)
    os.umask(mask)
    try:
        save_file(kept, str(file))
        file.chmod(0o666 & ~mask)  # safetensors lets nobody else read it, and a bundle is there to be shared
    except SafetensorError as error:
        if refused := _REFUSED.search(str(error)):  # the system's own number, in words
            raise OSError(int(refused[1]), os.strerror(int(refused[1])), str(file)) from None
        raise


def load_weights(network: nn.Module, file: Path) -> None:
    """Read the weights in `file` into `network`; every one of it must be there, in its shape, and none more.

    Raises:
        InputUnreadable: the file is not safetensors, or its weights are those of another network; the sentence names one.
        EngineMissing: safetensors is not installed.
    """
    import torch

    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError:
        raise EngineMissing("Bundles need the Python package safetensors; install it with `pip install safetensors`.") from None
    try:
        found = load_file(str(file))
    except (SafetensorError, OSError):
        raise InputUnreadable(f"'{file}' is not a file of weights (safetensors).") from None
    own = network.state_dict()
    filled = {_place(own[name]) for name in found if name in own}
    lacking = [name for name, tensor in own.items() if name not in found and _place(tensor) not in filled]
    strange = [name for name in found if name not in own]
    for names, what in ((lacking, "lacks"), (strange, "has, unlike the network,")):
        if names:
            raise InputUnreadable(f"'{file}' holds the weights of another network: it {what} '{names[0]}'.")
    with torch.no_grad():
        for name, tensor in found.items():
            if tensor.shape != own[name].shape:
                shapes = f"{tuple(tensor.shape)} and not {tuple(own[name].shape)}"
                raise InputUnreadable(f"'{file}' holds the weights of another network: '{name}' has the shape {shapes}.")
            own[name].copy_(tensor)


def _place(tensor: Tensor) -> tuple[int, tuple[int, ...], tuple[int, ...]] | int:
    """The same for two names of one tensor."""
    address = tensor.data_ptr()
    return (address, tuple(tensor.shape), tuple(tensor.stride())) if address else id(tensor)
