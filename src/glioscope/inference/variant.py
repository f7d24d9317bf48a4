"""The ways in which a network can be run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from glioscope.core import InvalidImage
from glioscope.inference.openvino_quietly import openvino_installed

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["VARIANTS", "Variant", "variants_for"]


@dataclass(frozen=True)
class Variant:
    """One way to run a network.

    Attributes:
        name: What it is called in choices, facts and tables.
        backend: `torch` or `openvino`.
        precision: `fp32`, `bf16` or `int8`.
        channels_last: Whether torch keeps channels innermost.
        compiled: Whether `torch.compile` is applied.
    """

    name: str
    backend: str
    precision: str
    channels_last: bool = False
    compiled: bool = False


VARIANTS: Sequence[Variant] = (
    Variant("torch-fp32", "torch", "fp32"),
    Variant("torch-fp32-channels-last", "torch", "fp32", channels_last=True),
    Variant("torch-bf16", "torch", "bf16"),
    Variant("torch-bf16-channels-last", "torch", "bf16", channels_last=True),
    Variant("torch-bf16-channels-last-compiled", "torch", "bf16", channels_last=True, compiled=True),
    Variant("openvino-fp32", "openvino", "fp32"),
    Variant("openvino-bf16", "openvino", "bf16"),
    Variant("openvino-int8", "openvino", "int8"),
)
"""All ways; the first is the reference that the others are held against."""


def variants_for(device: str, backend: str = "auto", precision: str = "auto", *, int8: bool = False) -> list[Variant]:
    """The variants that can be tried on `device`, the reference first where it is among them.

    bf16 is tried where the processor computes in it, `torch.compile` on a GPU (on a CPU it takes a compiler and minutes, and
    the convolutions, which are nearly all the work, stay the same), OpenVINO on a CPU where it is installed, and int8 where
    `int8` says that there is a version of the network which was measured and accepted. The precision `float` is any but int8.

    Raises:
        InvalidImage: an unknown backend or precision, or nothing fits.
    """
    for value, known, what in (
        (backend, ("auto", "torch", "openvino"), "backend"),
        (precision, ("auto", "float", "fp32", "bf16", "int8"), "precision"),
    ):
        if value not in known:
            raise InvalidImage(f"There is no {what} '{value}'; known are {', '.join(known)}.")
    on_cpu = device.partition(":")[0] == "cpu"
    asked = [
        variant
        for variant in VARIANTS
        if backend in ("auto", variant.backend)
        and precision in ("auto", "float", variant.precision)
        and (variant.backend == "torch" or (on_cpu and (backend == "openvino" or openvino_installed())))
        and (variant.precision != "int8" or (int8 and precision != "float"))
        and (variant.precision != "bf16" or precision == "bf16" or _computes_bf16(device))
        and not (variant.compiled and on_cpu)
    ]
    if not asked:
        reason = "no INT8 version of it was accepted" if precision == "int8" else f"'{backend}' does not run there"
        raise InvalidImage(f"The network cannot be run on '{device}' by '{backend}' in '{precision}': {reason}.")
    return asked


def _computes_bf16(device: str) -> bool:
    """Whether bf16 is arithmetic of the device, not converted to and fro."""
    import platform

    import torch

    if device.partition(":")[0] == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if platform.machine().lower() in ("arm64", "aarch64"):
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    tests = [getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")]
    return any(bool(test()) for test in tests if test)
