"""The fastest way to run a network on this machine, found by trying and remembered."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from glioscope.core import GlioscopeError, InvalidImage, ProcessingFailed
from glioscope.inference.model_store import ModelStore, machine, network_key
from glioscope.inference.openvino_forward import OpenVinoForward
from glioscope.inference.torch_forward import TorchForward
from glioscope.inference.variant import VARIANTS, Variant, variants_for

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

__all__ = ["AGREEMENT", "Chosen", "make_forward"]

AGREEMENT = 0.999
"""Share of a window's voxels in which a variant must decide as torch in float32 does, or it is not chosen."""

SAMPLE = 64
"""Voxels along each side of what the variants are tried on: minutes less than a window of nnU-Net's size."""

Chosen = TorchForward | OpenVinoForward
"""A Forward; its `variant` says how it runs."""


def make_forward(
    network: nn.Module | Callable[[], nn.Module],
    device: str = "cpu",
    backend: str = "auto",
    precision: str = "auto",
    example: Tensor | None = None,
    *,
    key: str | None = None,
    family: str | None = None,
    activation: str = "sigmoid",
    store: ModelStore | None = None,
    window: tuple[int, int, int] | None = None,
) -> Chosen:
    """A Forward for `predict`.

    Where several variants are possible, each runs the middle of `example` and the fastest one is taken whose decisions are
    those of torch in float32 in at least `AGREEMENT` of the voxels. What was found is kept in the user's data folder for this
    machine, these versions and this network, and so is a network that was converted.

    Args:
        network: With its weights, on the CPU; or a function that makes it, which is not called where a converted one is kept.
        device: `cpu`, `cuda` or `cuda:N`.
        backend: `torch`, `openvino` (CPU only), or `auto` for either.
        precision: `fp32`, `bf16`, `int8` (one that `quantise` accepted), `float` for the fastest but `int8`, or `auto` for the
            fastest of all.
        example: A window (1, C, x, y, z) of a real image; needed to choose and to convert.
        key: Changes with the network and its weights; computed from them where None.
        family: Networks of one family (the members of a bundle) share one choice; `key` where None.
        activation: `sigmoid` or `softmax`: what a decision is.
        store: Where things are kept.
        window: Sides of the windows to come; those of `example` where None. The choice is made with `example`.

    Raises:
        InvalidImage: nothing fits what is asked for.
        EngineMissing: OpenVINO is asked for and not installed.
        ProcessingFailed: the network cannot be converted.
    """
    store = store or ModelStore()
    made: list[nn.Module] = []

    def loaded() -> nn.Module:
        if not made:
            made.append(network if _is_module(network) else network())  # type: ignore[arg-type]
        return made[0].eval()

    key = key or network_key(loaded())
    shape = tuple(example.shape) if example is not None else None
    int8 = shape is not None and store.model(key, shape, "int8").is_file()
    variants = variants_for(device, backend, precision, int8=int8)
    builder = _Builder(loaded, device, key, example, store)
    final = window or (shape[2:] if shape else None)
    if len(variants) == 1 or example is None:
        return builder.build(variants[0], final)
    question = {
        "machine": machine(),
        "device": device,
        "network": family or key,
        "shape": list(example.shape),
        "variants": [variant.name for variant in variants],
    }
    answer = store.recall(question)
    if answer is None:
        answer = _try_all(variants, builder, example, activation)
        store.remember(question, answer)
    return builder.build(next(variant for variant in VARIANTS if variant.name == answer["variant"]), final)


class _Builder:
    """Makes the Forward of any variant of one network."""

    def __init__(
        self, loaded: Callable[[], nn.Module], device: str, key: str, example: Tensor | None, store: ModelStore
    ) -> None:
        self.loaded, self.device, self.key, self.example, self.store = loaded, device, key, example, store

    def build(self, variant: Variant, window: Sequence[int] | None = None) -> Chosen:
        if variant.backend == "torch":
            return TorchForward(self.loaded(), variant, self.device)
        if self.example is None:
            raise InvalidImage("OpenVINO needs an example window, because it converts a network for one size.")
        form, sides = "int8" if variant.precision == "int8" else "float", tuple(window or self.example.shape[2:])
        file = self._converted(form, self.example)
        try:
            return OpenVinoForward(file, variant, sides)
        except ProcessingFailed:
            if form == "int8" or sides == tuple(self.example.shape[2:]):
                raise
            # Its operations hold the size that it was converted for.
            return OpenVinoForward(self._converted(form, self.example.new_zeros(*self.example.shape[:2], *sides)), variant)

    def _converted(self, form: str, example: Tensor) -> Path:
        """The network as it was converted for a window of this size, now or before."""
        file = self.store.model(self.key, example.shape, form)
        if not file.is_file():
            from glioscope.inference.conversion import to_openvino

            self.store.save(to_openvino(self.loaded(), example), file)
        return file


def _try_all(variants: list[Variant], builder: _Builder, example: Tensor, activation: str) -> dict[str, Any]:
    """Seconds and agreement of every variant, and the one to take."""
    example = _middle(example)
    reference, seconds = None, {}
    agreement: dict[str, float] = {}
    failed: dict[str, str] = {}
    best = float("inf")
    for variant in (VARIANTS[0], *(v for v in variants if v is not VARIANTS[0])):
        try:
            forward = builder.build(variant, example.shape[2:])
            took, logits = _timed(forward, example, best)
        except (GlioscopeError, RuntimeError) as error:  # one way that fails leaves the others
            if variant is VARIANTS[0]:
                raise
            failed[variant.name] = str(error).splitlines()[0][:200]
            continue
        decided = logits.argmax(dim=1) if activation == "softmax" else logits > 0
        reference = decided if reference is None else reference
        agreement[variant.name] = float((decided == reference).float().mean())
        seconds[variant.name] = round(took, 4)
        if agreement[variant.name] >= AGREEMENT:
            best = min(best, took)
        del forward, logits
    named = {variant.name for variant in variants}
    able = [name for name in seconds if name in named and agreement[name] >= AGREEMENT]
    if not able:
        raise ProcessingFailed("No variant that was asked for decides as torch in float32 does; ask for precision fp32.")
    chosen = min(able, key=lambda name: seconds[name])
    return {
        "variant": chosen,
        "seconds": seconds,
        "agreement": {n: round(a, 6) for n, a in agreement.items()},
        "failed": failed,
    }


def _middle(example: Tensor) -> Tensor:
    """The middle of a window, `SAMPLE` voxels a side where it is larger: which way is fastest is seen there as well."""
    for axis, side in enumerate(example.shape[2:], start=2):
        if side > SAMPLE:
            example = example.narrow(axis, (side - SAMPLE) // 2, SAMPLE)
    return example.contiguous()


def _timed(forward: Chosen, example: Tensor, best: float) -> tuple[float, Tensor]:
    """Seconds of one window, and its logits on the CPU.

    It is timed twice where the first time, which may include preparations, was near the best.
    """
    took = []
    for _ in range(2):
        started = time.perf_counter()
        logits = forward(example).float().cpu().clone()
        took.append(time.perf_counter() - started)
        if took[0] > 2 * best and not forward.variant.compiled:
            break
    return min(took), logits


def _is_module(network: object) -> bool:
    from torch import nn

    return isinstance(network, nn.Module)
