"""A network run by OpenVINO, for a CPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glioscope.core import ProcessingFailed
from glioscope.inference.openvino_quietly import openvino_core

if TYPE_CHECKING:
    from torch import Tensor

    from glioscope.inference.variant import Variant

__all__ = ["OpenVinoForward"]


class OpenVinoForward:
    """Logits by OpenVINO; as many threads as torch was given.

    Args:
        model: A converted model (`.xml` beside its `.bin`), or one in memory, for windows of a fixed size.
        variant: One whose backend is `openvino`.
        window: Another size (x, y, z) to prepare it for.

    Raises:
        ProcessingFailed: the model holds its size in its operations, so that it cannot be prepared for another.
    """

    def __init__(self, model: Path | Any, variant: Variant, window: Sequence[int] | None = None) -> None:  # noqa: ANN401
        import torch

        self.variant = variant
        settings = {
            # An INT8 model says itself which of its layers are INT8; the others are the fastest that the chip has.
            "INFERENCE_PRECISION_HINT": "f32" if variant.precision == "fp32" else "bf16",
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "ENABLE_CPU_PINNING": False,  # several workers would be pinned to the same cores
        }
        core = openvino_core()
        if window is not None:
            model = _sized(core.read_model(model) if isinstance(model, Path) else model, window)
        self._request = core.compile_model(model, "CPU", settings).create_infer_request()

    def __call__(self, windows: Tensor) -> Tensor:
        """Logits (N, K, x, y, z) for windows (N, C, x, y, z); with N = 1 they are overwritten by the next call."""
        import torch

        found = []
        for window in windows:
            answer = self._request.infer([window[None].contiguous().numpy()], share_inputs=True, share_outputs=True)
            logits = torch.from_numpy(answer[0])
            found.append(logits if len(windows) == 1 else logits.clone())
        return found[0] if len(found) == 1 else torch.cat(found)


def _sized(model: Any, window: Sequence[int]) -> Any:  # noqa: ANN401
    """The model for windows of this size."""
    shape = [*list(model.input(0).shape)[:2], *window]
    if list(model.input(0).shape) == shape:
        return model
    try:
        model.reshape(shape)
        fits = list(model.output(0).shape)[2:] == list(window)
    except RuntimeError:
        fits = False
    if not fits:
        raise ProcessingFailed(f"The converted network works on windows of its own size only, not on {list(window)}.")
    return model
