"""Normalised mutual information with its gradient, for optimisers that follow slopes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glioscope.preprocessing.registration.similarity import BINS
from glioscope.preprocessing.registration.start import Comparison

__all__ = ["Likeness"]


class Likeness:
    """Normalised mutual information of a fixed image's points and a moving image, differentiable in the transform.

    The moving intensities enter the joint histogram through a cubic B-spline window (Mattes et al., IEEE TMI 22, 2003),
    so that the measure changes smoothly; those of the fixed image, which do not change, by whole bins.

    Args:
        comparison: Points, their bins, and the moving image.
        inside_only: Points outside the moving image's field of view do not count; otherwise it goes on there as at its edge.
    """

    def __init__(self, comparison: Comparison, *, inside_only: bool = False) -> None:
        import torch

        self._torch = torch
        self._points = torch.tensor(np.c_[comparison.points, np.ones(len(comparison.points))], dtype=torch.float32)
        self._rows = torch.tensor(comparison.fixed_bins * BINS)
        self._moving = torch.tensor(np.ascontiguousarray(comparison.moving))[None, None]
        self._shape = torch.tensor(comparison.moving.shape, dtype=torch.float32)
        self._to_index = comparison.to_index
        self._low, high = comparison.limits
        self._scale = (BINS - 3) / max(high - self._low, 1e-6)
        self._inside_only = inside_only

    def __call__(self, matrix: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """The measure (1 to 2) when the fixed points are looked up at `matrix @ point`, and its derivative by `matrix`."""
        torch = self._torch
        rows = torch.tensor((self._to_index @ matrix)[:3], dtype=torch.float32, requires_grad=True)
        index = self._points @ rows.T
        place = ((2 * index + 1) / self._shape - 1).flip(1)[None, None, None]  # torch names the last axis first
        values = torch.nn.functional.grid_sample(self._moving, place, padding_mode="border", align_corners=False)[0, 0, 0, 0]
        position = ((values - self._low) * self._scale + 1).clamp(1, BINS - 2.001)
        whole = position.floor()
        f = position - whole
        window = ((1 - f) ** 3 / 6, (3 * f**3 - 6 * f**2 + 4) / 6, (-3 * f**3 + 3 * f**2 + 3 * f + 1) / 6, f**3 / 6)
        weight = ((index + 1).clamp(0, 1) * (self._shape - index).clamp(0, 1)).prod(1) if self._inside_only else None
        first = self._rows + whole.long() - 1
        joint = torch.zeros(BINS * BINS)
        for offset, share in enumerate(window):
            joint = joint.index_add(0, first + offset, share if weight is None else share * weight)
        joint = (joint / joint.sum().clamp(min=1e-6)).reshape(BINS, BINS)

        fixed, moving, both = (-(p * torch.log(p + 1e-10)).sum() for p in (joint.sum(1), joint.sum(0), joint))
        measure = (fixed + moving) / both.clamp(min=1e-6)
        measure.backward()
        gradient = np.zeros((4, 4))
        gradient[:3] = rows.grad.numpy()
        return float(measure.detach()), np.asarray(self._to_index.T @ gradient, np.float64)
