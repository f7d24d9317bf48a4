"""Coil shading."""

from __future__ import annotations

from typing import Any

import torch
from batchgeneratorsv2.transforms.base.basic_transform import ImageOnlyTransform
from torch import Tensor
from torch.nn.functional import interpolate

__all__ = ["Shading"]

KNOTS = 3
"""Along each axis of a patch; between them the field is linear."""


class Shading(ImageOnlyTransform):  # type: ignore[misc]
    """Adds a smooth field to some channels, each by chance 0.5: what a bias field does to a z-scored image, to first order.

    A brain's mean is some five standard deviations above zero, so that a coil 10 % brighter on one side adds 0.5 there.

    Args:
        strength: Range of the field's standard deviation, in those of the image.
    """

    def __init__(self, strength: tuple[float, float]) -> None:
        super().__init__()
        self.strength = strength

    def get_parameters(self, **data: Any) -> dict[str, Any]:  # noqa: ANN401
        """The field at the knots (C, k, k, k), drawn from torch's generator."""
        channels = len(data["image"])
        low, high = self.strength
        sizes = (low + (high - low) * torch.rand(channels)) * (torch.rand(channels) < 0.5)
        return {"knots": sizes[:, None, None, None] * torch.randn(channels, KNOTS, KNOTS, KNOTS)}

    def _apply_to_image(self, img: Tensor, **parameters: Any) -> Tensor:  # noqa: ANN401
        return img + interpolate(parameters["knots"][None], img.shape[1:], mode="trilinear", align_corners=True)[0]
