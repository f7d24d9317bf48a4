"""Weights of networks, without what the same tensor is called twice."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from glioscope.core import InvalidImage

__all__ = ["load_state", "transfer_state", "unique_state"]


def unique_state(network: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers of `network`, each under one name.

    The networks of nnU-Net list most tensors several times (`encoder...`, `decoder.encoder...`, `all_modules`), which
    formats such as safetensors refuse.
    """
    full = network.state_dict()
    named = [*network.named_parameters(), *network.named_buffers()]
    return {name: full[name] for name, _ in named if name in full}


def load_state(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Put all of `state`, from `unique_state` or `state_dict`, into `network`.

    Raises:
        InvalidImage: a weight is missing, unknown or of another shape; the sentence names the first. Nothing is loaded then.
    """
    full = network.state_dict()
    for name in unique_state(network):
        if name not in state:
            raise InvalidImage(f"The weights lack '{name}'; they are of another network.")
    for name, tensor in state.items():
        if name not in full:
            raise InvalidImage(f"The weights have '{name}', which the network has not; they are of another network.")
        if tensor.shape != full[name].shape:
            raise InvalidImage(
                f"The weight '{name}' is {tuple(tensor.shape)}, but the network needs {tuple(full[name].shape)}: "
                "channels, regions or sizes differ."
            )
    network.load_state_dict(dict(state), strict=False)


def transfer_state(network: nn.Module, state: Mapping[str, Tensor]) -> list[str]:
    """Put what fits of `state` into `network`, by name and shape; returns the names of the weights that stay fresh.

    For transfer to other input channels or regions, whose first or last convolution then starts anew.
    """
    own = unique_state(network)
    fitting = {name: state[name] for name, tensor in own.items() if name in state and state[name].shape == tensor.shape}
    network.load_state_dict(fitting, strict=False)
    return [name for name in own if name not in fitting]
