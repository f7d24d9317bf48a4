"""The convolutional network DenseNet-121 on slices, run straight from its weights (Huang et al. 2017, table 1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["BLOCKS", "densenet_score"]

BLOCKS = (6, 12, 24, 16)
"""Dense layers in each block."""


def densenet_score(weights: Mapping[str, Any], images: Any) -> Any:  # noqa: ANN401
    """Output of the network for a batch.

    Args:
        weights: Tensors by name: `features.conv0.weight`, `features.denseblock1.denselayer1.layers.norm1.weight` …
        images: float32 tensor (batch, channels, height, width).

    Returns:
        float32 tensor (batch, outputs).
    """
    import torch
    from torch.nn import functional as f

    def normed(x: Any, name: str) -> Any:  # noqa: ANN401
        """Batch normalisation as learnt, then ReLU."""
        part = [weights[f"{name}.{key}"] for key in ("running_mean", "running_var", "weight", "bias")]
        return f.relu(f.batch_norm(x, *part))

    x = f.conv2d(images, weights["features.conv0.weight"], stride=2, padding=3)
    x = f.max_pool2d(normed(x, "features.norm0"), 3, stride=2, padding=1)
    for block, layers in enumerate(BLOCKS, start=1):
        for layer in range(1, layers + 1):
            name = f"features.denseblock{block}.denselayer{layer}.layers"
            new = f.conv2d(normed(x, f"{name}.norm1"), weights[f"{name}.conv1.weight"])
            new = f.conv2d(normed(new, f"{name}.norm2"), weights[f"{name}.conv2.weight"], padding=1)
            x = torch.cat([x, new], dim=1)
        if block < len(BLOCKS):
            name = f"features.transition{block}"
            x = f.avg_pool2d(f.conv2d(normed(x, f"{name}.norm"), weights[f"{name}.conv.weight"]), 2)
    pooled = normed(x, "features.norm5").mean(dim=(2, 3))
    return f.linear(pooled, weights["class_layers.out.weight"], weights["class_layers.out.bias"])
