"""A converted network with most of its layers in eight bits."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import EngineMissing
from glioscope.inference.openvino_quietly import openvino, openvino_core

__all__ = ["SPARED", "check_int8", "to_int8"]

SPARED = ("none", "ends")
"""What stays in floating point: nothing that can be INT8, or the convolutions at either end, next to image and answer."""


def check_int8() -> None:
    """Raise EngineMissing where OpenVINO or NNCF is not installed; neither is imported."""
    for package in ("openvino", "nncf"):
        if importlib.util.find_spec(package) is None:
            raise EngineMissing(f"INT8 needs the Python package {package}; run `pip install 'glioscope[quantise]'`.")


def to_int8(file: Path, windows: Iterable[NDArray[np.float32]], spare: str = "none") -> Any:  # noqa: ANN401
    """Post-training quantisation: weights and activations of convolutions become whole numbers of eight bits.

    The scales come from the range of values that real windows give. Normalisation and activation functions stay as they are.

    Args:
        file: A model that `to_openvino` made.
        windows: A few windows (C, x, y, z) of real exams.
        spare: One of `SPARED`.

    Raises:
        EngineMissing: OpenVINO or NNCF is not installed.
    """
    check_int8()
    openvino()  # before nncf, which would let it report its use
    import nncf

    logging.getLogger("nncf").setLevel(logging.ERROR)
    model = openvino_core().read_model(file)
    examples = [window[None] for window in windows]
    convolutions = [node.get_friendly_name() for node in model.get_ordered_ops() if node.get_type_name() == "Convolution"]
    ends = [convolutions[0], convolutions[-1]] if convolutions and spare == "ends" else []
    return nncf.quantize(
        model,
        nncf.Dataset(examples),
        preset=nncf.QuantizationPreset.MIXED,  # activations of a leaky ReLU are not symmetric
        subset_size=len(examples),
        fast_bias_correction=True,
        ignored_scope=nncf.IgnoredScope(names=ends, validate=False) if ends else None,
    )
