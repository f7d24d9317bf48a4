"""Values that a network keeps, against the library that builds it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from glioscope.training.memory import gibibytes, values_kept
from glioscope.training.topology import topology_of


@pytest.mark.parametrize("deep_supervision", [True, False])
@pytest.mark.parametrize(("patch", "spacing"), [((128, 128, 128), (1, 1, 1)), ((96, 160, 32), (1, 1, 4))])
def test_equal_to_the_count_of_the_library(
    patch: tuple[int, int, int], spacing: tuple[float, float, float], deep_supervision: bool
) -> None:
    unet = pytest.importorskip("dynamic_network_architectures.architectures.unet")
    topology = topology_of(patch, spacing)
    features = topology.features(8, 32)
    common = {
        "input_channels": 4,
        "n_stages": len(features),
        "features_per_stage": features,
        "conv_op": nn.Conv3d,
        "kernel_sizes": topology.kernels,
        "strides": topology.strides,
        "num_classes": 3,
        "deep_supervision": deep_supervision,
    }
    with torch.device("meta"):
        plain = unet.PlainConvUNet(**common, n_conv_per_stage=2, n_conv_per_stage_decoder=2)
        blocks = [1, 3, 4, 6, 6, 6][: len(features)]
        residual = unet.ResidualEncoderUNet(**common, n_blocks_per_stage=blocks, n_conv_per_stage_decoder=1)
    counted = values_kept(patch, topology, features, 3, deep_supervision=deep_supervision)
    assert counted == plain.compute_conv_feature_map_size(patch)
    counted = values_kept(
        patch, topology, features, 3, encoder=blocks, decoder=1, residual=True, deep_supervision=deep_supervision
    )
    assert counted == pytest.approx(residual.compute_conv_feature_map_size(patch), rel=0.05)


def test_one_stage_by_hand() -> None:
    """4 x 4 x 4 voxels, one stage of 2 convolutions with 8 features: 64 x 2 x 8."""
    assert values_kept((4, 4, 4), topology_of((4, 4, 4), (1, 1, 1)), [8], 3) == 1024


def test_memory_grows_with_the_batch() -> None:
    assert gibibytes(560_000_000, 2) == pytest.approx(8.0, rel=0.001)
    assert gibibytes(680_000_000, 2, residual=True) == pytest.approx(8.0, rel=0.001)
