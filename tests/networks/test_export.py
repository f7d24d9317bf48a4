"""ONNX Runtime says the same as torch."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch

from tests.networks.small import PARAMETERS, image, patch_of, small

onnxruntime = pytest.importorskip("onnxruntime", reason="exported networks run in ONNX Runtime")
pytest.importorskip("onnx", reason="torch exports with it")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name == "swin-unetr" else name for name in PARAMETERS]
)
def test_exported_it_is_the_same(name: str, tmp_path: Path) -> None:
    network = small(name).eval()
    # One side is odd, so that padding and cutting are exported too.
    # The transformer cannot be exported with a single voxel along an axis at its bottom.
    x, y, z = (64, 64, 64) if name == "swin-unetr" else patch_of(name)
    given = image(x, y, z - 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (given,), str(tmp_path / "network.onnx"), dynamo=False, opset_version=18)

    session = onnxruntime.InferenceSession(str(tmp_path / "network.onnx"), providers=["CPUExecutionProvider"])
    (answer,) = session.run(None, {session.get_inputs()[0].name: given.numpy()})

    with torch.no_grad():
        assert torch.allclose(torch.from_numpy(answer), network(given), atol=1e-4)
