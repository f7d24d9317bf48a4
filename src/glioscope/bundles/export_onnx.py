"""The networks of a bundle as ONNX files."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from glioscope.bundles.bundle import Bundle
from glioscope.core import EngineMissing, InputUnreadable, ProcessingFailed
from glioscope.core.files import atomic

if TYPE_CHECKING:
    from torch import nn

__all__ = ["export_onnx"]

OPSET = 17
TOLERANCE = 1e-3
"""Largest difference of a logit, relative to the largest logit, between PyTorch and ONNX Runtime."""


def export_onnx(bundle: Bundle, folder: Path, *, check: bool = True) -> list[Path]:
    """Write one file a member, `NAME-MEMBER.onnx`: input `image` (N, C, X, Y, Z) of the bundle's patch, output `logits`.

    N is free. Normalisation, windows and thresholds are not part of the graph; what they are stands in the file's metadata.

    Args:
        bundle: Of kind `network`.
        folder: Where to write.
        check: Run each file once with ONNX Runtime, if that is installed, and compare with PyTorch.

    Returns:
        The files.

    Raises:
        InputUnreadable: the bundle is of another kind.
        EngineMissing: the Python package onnx is not installed.
        ProcessingFailed: the network cannot be exported, or gives something else as ONNX.
        OutputUnwritable: the folder cannot be written.
    """
    if bundle.kind != "network":
        raise InputUnreadable(f"'{bundle.name}' is of kind {bundle.kind}; only a bundle of kind network is one network a file.")
    files = []
    for member, weights in enumerate(bundle.files):
        file = folder / f"{bundle.name}-{weights.stem}.onnx"
        _export(bundle, bundle.network(member), file, check)
        files.append(file)
    return files


def _export(bundle: Bundle, network: nn.Module, file: Path, check: bool) -> None:
    import torch

    try:
        import onnx
    except ImportError:
        raise EngineMissing("ONNX files need the Python package onnx; install it with `pip install onnx`.") from None
    patch = [int(side) for side in bundle.document["inference"]["patch"]]
    example = torch.from_numpy(np.random.default_rng(0).standard_normal((1, len(bundle.inputs.channels), *patch), np.float32))
    with atomic(file) as scratch, warnings.catch_warnings():
        try:
            # The older exporter needs no further package, and its graphs of convolutions are as good.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network,
                (example,),
                str(scratch),
                input_names=["image"],
                output_names=["logits"],
                dynamic_axes={"image": {0: "n"}, "logits": {0: "n"}},
                opset_version=OPSET,
                dynamo=False,
            )
        except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
            reason = str(error).strip().splitlines()[0][:160]
            raise ProcessingFailed(f"The network of '{bundle.name}' cannot be written as ONNX: {reason}.") from None
        model = onnx.load(str(scratch))
        for key in ("name", "inputs", "grid", "target", "inference", "licence"):
            entry = model.metadata_props.add()
            entry.key, entry.value = f"glioscope.{key}", json.dumps(bundle.document[key], default=str)
        onnx.save(model, str(scratch))
        if check:
            with torch.inference_mode():
                expected = network(example).float().numpy()
            _compare(scratch, example.numpy(), expected, bundle.name)


def _compare(file: Path, image: NDArray[np.float32], expected: NDArray[np.float32], name: str) -> None:
    try:
        import onnxruntime
    except ImportError:
        return
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    (found,) = session.run(["logits"], {"image": image})
    worst = float(np.abs(found - expected).max())
    if not worst <= TOLERANCE * max(1.0, float(np.abs(expected).max())):
        raise ProcessingFailed(f"'{name}' as ONNX differs from the network by {worst:.3g}; nothing was written.")
