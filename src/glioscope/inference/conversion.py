"""From torch to OpenVINO."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from glioscope.core import ProcessingFailed
from glioscope.inference.openvino_quietly import openvino

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["split_joined_convolutions", "to_openvino"]


def to_openvino(network: nn.Module, example: Tensor) -> Any:  # noqa: ANN401
    """The network as an OpenVINO model for windows of the shape of `example` (1, C, x, y, z).

    Raises:
        EngineMissing: OpenVINO is not installed.
        ProcessingFailed: it does not know an operation of the network.
    """
    import torch

    ov = openvino()
    network = network.to("cpu").eval()
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the tracer, about sizes that are constants here
            model = ov.convert_model(network, example_input=example, input=[list(example.shape)])
    except Exception as error:
        raise ProcessingFailed(f"OpenVINO cannot convert the network ({str(error).splitlines()[0][:200]}).") from error
    split_joined_convolutions(model)
    return model


def split_joined_convolutions(model: Any) -> int:  # noqa: ANN401
    """Replace the convolution of joined channels by the sum of two convolutions, one of each part; returns how many.

    A U-Net joins what comes from below with what was kept on the way down, and convolves it. The convolution is linear, so it
    can be done on each part and added. The joined tensor, the largest of the network, is then never made: less memory, and one
    copy less. The result is the same but for the order of the additions.
    """
    from openvino import opset13 as ops

    openvino()
    count = 0
    for node in model.get_ordered_ops():
        parts = _joined(node)
        if not parts:
            continue
        told, values = node.get_attributes(), node.input_value(1).get_node().get_data()
        pads = (told["pads_begin"], told["pads_end"], told["dilations"], told["auto_pad"])
        ends = np.cumsum([source.get_shape()[1] for source in parts])
        total: Any = None
        for part, end in zip(parts, ends.tolist(), strict=True):
            kernel = ops.constant(values[:, end - part.get_shape()[1] : end].copy())
            one = ops.convolution(part, kernel, told["strides"], *pads)
            total = one if total is None else ops.add(total, one)
        node.output(0).replace(total.output(0))
        count += 1
    model.validate_nodes_and_infer_types()
    return count


def _joined(node: Any) -> list[Any] | None:  # noqa: ANN401
    """The outputs that are joined along the channels for this convolution with constant weights alone, or None."""
    if node.get_type_name() != "Convolution" or node.input_value(1).get_node().get_type_name() != "Constant":
        return None
    joined = node.input_value(0).get_node()
    if joined.get_type_name() != "Concat" or joined.get_axis() not in (1, 1 - len(joined.get_output_shape(0))):
        return None
    if len(joined.output(0).get_target_inputs()) != 1:
        return None
    return [port.get_source_output() for port in joined.inputs()]
