"""Slices as thick as those of a clinical exam."""

from __future__ import annotations

from typing import Any

import torch
from batchgeneratorsv2.transforms.base.basic_transform import ImageOnlyTransform
from torch import Tensor
from torch.nn.functional import interpolate

__all__ = ["ThickSlices"]


class ThickSlices(ImageOnlyTransform):  # type: ignore[misc]
    """Averages over slabs along one axis, then interpolates between them, as resampling thick slices to 1 mm does.

    Clinical T2 and FLAIR images mostly have slices of 3 to 6 mm. The whole image is treated, or each channel by chance 0.5.

    Args:
        thickness: Range of the slabs, in voxels.
    """

    def __init__(self, thickness: tuple[float, float]) -> None:
        super().__init__()
        self.thickness = thickness

    def get_parameters(self, **data: Any) -> dict[str, Any]:  # noqa: ANN401
        """Axis, thickness and channels, drawn from torch's generator."""
        low, high = self.thickness
        channels = torch.ones(len(data["image"]), dtype=torch.bool)
        if torch.rand(()) < 0.5:
            channels = torch.rand(len(channels)) < 0.5
        return {
            "axis": int(torch.randint(3, ())),
            "thickness": low + (high - low) * float(torch.rand(())),
            "channels": channels,
        }

    def _apply_to_image(self, img: Tensor, **parameters: Any) -> Tensor:  # noqa: ANN401
        chosen = parameters["channels"]
        if not chosen.any():
            return img
        size = list(img.shape[1:])
        slabs = list(size)
        slabs[parameters["axis"]] = max(1, round(size[parameters["axis"]] / parameters["thickness"]))
        thick = interpolate(img[chosen][None], slabs, mode="area")
        img[chosen] = interpolate(thick, size, mode="trilinear", align_corners=False)[0]
        return img
