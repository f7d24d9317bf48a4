"""Rotation, scaling, elastic deformation and translation of one patch, drawn before its voxels are read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform, create_affine_matrix_3d
from torch import Tensor

__all__ = ["Warp", "Warper"]

Triple = tuple[int, int, int]
Floats = tuple[float, float, float]


@dataclass(frozen=True)
class Warp:
    """The geometry of one patch.

    Attributes:
        size: Voxels to read around the patch's centre.
        angles: Rotation about each axis in radians.
        scales: Of each axis; above 1 more of the exam is seen, and everything is smaller.
        sigmas: Smoothness of an elastic deformation as a share of the patch, or None for none.
        offset: Voxels by which the patch's centre moves.
    """

    size: Triple
    angles: Floats = (0.0, 0.0, 0.0)
    scales: Floats = (1.0, 1.0, 1.0)
    sigmas: Floats | None = None
    offset: Triple = (0, 0, 0)

    @property
    def moves(self) -> bool:
        """Whether voxels are interpolated."""
        return any(self.angles) or self.scales != (1.0, 1.0, 1.0) or self.sigmas is not None

    @staticmethod
    def of(
        patch: Triple,
        angles: Floats = (0.0, 0.0, 0.0),
        scales: Floats = (1.0, 1.0, 1.0),
        sigmas: Floats | None = None,
        offset: Triple = (0, 0, 0),
    ) -> Warp:
        """The warp whose size just holds every voxel that it looks at."""
        half = (np.asarray(patch) - 1) / 2
        if sigmas is not None:
            half = half + _largest_shift(sigmas, patch)
        reach = np.abs(create_affine_matrix_3d(angles, scales)) @ half
        # As even or odd as the patch, so that both have their centre at the same place.
        x, y, z = (n + 2 * max(0, math.ceil(r - (n - 1) / 2 - 1e-9)) for n, r in zip(patch, reach.tolist(), strict=True))
        return Warp((x, y, z), angles, scales, sigmas, offset)


def _largest_shift(sigmas: Floats, patch: Triple) -> Any:  # noqa: ANN401
    return np.asarray(sigmas) * np.asarray(patch) / 2


class Warper:
    """Applies warps to patches of one size; the interpolation is batchgeneratorsv2's (linear, labels by the largest share)."""

    def __init__(self, patch: Triple) -> None:
        self._warp = Warp(patch)
        settings: dict[str, Any] = {
            "patch_center_dist_from_border": 0,
            "random_crop": False,
            "p_rotation": 1,
            "rotation": self._angle,
            "p_scaling": 1,
            "scaling": self._scale,
            "p_synchronize_scaling_across_axes": -1,
        }
        self._rigid = SpatialTransform(patch, **settings)
        self._elastic = SpatialTransform(
            patch,
            **settings,
            p_elastic_deform=1,
            elastic_deform_scale=self._sigma,
            elastic_deform_magnitude=self._magnitude,
            p_synchronize_def_scale_across_axes=-1,
            center_deformation=False,
        )

    def __call__(self, image: Tensor, labels: Tensor, warp: Warp) -> tuple[Tensor, Tensor]:
        """Image (C, *patch) and labels (1, *patch) from those of (…, *warp.size); the deformation is drawn from NumPy's and
        torch's global generators.
        """
        if not warp.moves:
            return image, labels
        self._warp = warp
        transform = self._rigid if warp.sigmas is None else self._elastic
        with torch.no_grad():
            done = transform(image=image, segmentation=labels)
        return done["image"], done["segmentation"]

    def _angle(self, *, dim: int, **_: Any) -> float:  # noqa: ANN401
        return self._warp.angles[dim]

    def _scale(self, *, dim: int, **_: Any) -> float:  # noqa: ANN401
        return self._warp.scales[dim]

    def _sigma(self, *, dim: int, **_: Any) -> float:  # noqa: ANN401
        return (self._warp.sigmas or (0.0, 0.0, 0.0))[dim]

    @staticmethod
    def _magnitude(*, patch_size: Triple, dim: int, deformation_scale: float, **_: Any) -> float:  # noqa: ANN401
        # From an eighth to half of the smoothness, which folds nothing.
        sigma = deformation_scale * patch_size[dim]
        return float(np.random.uniform(sigma / 8, sigma / 2))
