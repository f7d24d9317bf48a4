"""A network run by torch."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

    from glioscope.inference.variant import Variant

__all__ = ["TorchForward"]


class TorchForward:
    """Logits by torch.

    Args:
        network: In evaluation mode; it is moved to the device and, where the variant says so, to channels-last.
        variant: One whose backend is `torch`.
        device: `cpu`, `cuda` or `cuda:N`.
    """

    def __init__(self, network: nn.Module, variant: Variant, device: str = "cpu") -> None:
        import torch

        self.variant, self.device = variant, device
        layout = torch.channels_last_3d if variant.channels_last else torch.contiguous_format
        network = network.to(device=device, memory_format=layout).eval()  # type: ignore[call-overload]
        self._layout = layout
        self._network = torch.compile(network) if variant.compiled else network

    def __call__(self, windows: Tensor) -> Tensor:
        """Logits (N, K, x, y, z) on the device, for windows (N, C, x, y, z)."""
        import torch

        bf16 = self.variant.precision == "bf16"
        autocast = torch.autocast(self.device.partition(":")[0], torch.bfloat16) if bf16 else nullcontext()
        with torch.no_grad(), autocast:
            logits: Tensor = self._network(windows.to(self.device, memory_format=self._layout))
        return logits
