"""A network run by OpenVINO, for a CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glioscope.inference.openvino_quietly import openvino

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from glioscope.inference.variant import Variant

__all__ = ["OpenVinoForward"]


class OpenVinoForward:
    """Logits by OpenVINO; as many threads as torch was given.

    Args:
        model: A converted model (`.xml` beside its `.bin`), or one in memory, for one window of a fixed size.
        variant: One whose backend is `openvino`.
    """

    def __init__(self, model: Path | Any, variant: Variant) -> None:  # noqa: ANN401
        import torch

        ov = openvino()
        self.variant = variant
        settings = {
            # An INT8 model says itself which of its layers are INT8; the others are the fastest that the chip has.
            "INFERENCE_PRECISION_HINT": "f32" if variant.precision == "fp32" else "bf16",
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "ENABLE_CPU_PINNING": False,  # several workers would be pinned to the same cores
        }
        self._request = ov.Core().compile_model(model, "CPU", settings).create_infer_request()

    def __call__(self, windows: Tensor) -> Tensor:
        """Logits (N, K, x, y, z) for windows (N, C, x, y, z); with N = 1 they are overwritten by the next call."""
        import torch

        found = []
        for window in windows:
            answer = self._request.infer([window[None].contiguous().numpy()], share_inputs=True, share_outputs=True)
            logits = torch.from_numpy(answer[0])
            found.append(logits if len(windows) == 1 else logits.clone())
        return found[0] if len(found) == 1 else torch.cat(found)
