"""Blob loss."""

from __future__ import annotations

import cc3d
import numpy as np
import torch
from torch import Tensor

from glioscope.losses.region_loss import RegionLoss

__all__ = ["Blob"]


class Blob(RegionLoss):
    """Dice loss of each connected component of the target for itself, so that a small lesion counts as much as a large one.

    For one component the others are cut out of prediction and target; what is found outside all of them counts against each.
    The mean goes over the components of a class in an exam, then over exams and classes that have any. A target without
    components costs nothing: put a loss of the whole beside it (the source uses twice its weight).

    Source: Kofler et al., IPMI 2023, equation 2, with Dice for the criterion.

    Args:
        activation: See `RegionLoss`; the background of `softmax` is left out.
        smooth: What is added to numerator and denominator of Dice.
        connectivity: Neighbours that belong together: 6, 18 or 26.
    """

    def __init__(self, activation: str = "sigmoid", smooth: float = 1e-5, connectivity: int = 26) -> None:
        super().__init__(activation)
        self.smooth = smooth
        self.connectivity = connectivity

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """See `RegionLoss.compute`."""
        p = self.foreground(self.probabilities(logits)).flatten(0, 1).flatten(1)
        masks = (self.foreground(target) > 0.5).flatten(0, 1).cpu().numpy()
        costs = [self._cost(volume, mask) for volume, mask in zip(p, masks, strict=True) if mask.any()]
        return torch.stack(costs).mean() if costs else logits.sum() * 0

    def _cost(self, p: Tensor, mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Tensor:
        components, count = cc3d.connected_components(mask, connectivity=self.connectivity, return_N=True)
        index = torch.from_numpy(components.astype(np.int64).ravel()).to(p.device)
        # First what is found outside the target, then in each component.
        found = p.new_zeros(count + 1).index_add(0, index, p)
        voxels = torch.bincount(index, minlength=count + 1)[1:]
        hit = found[1:]
        return 1 - ((2 * hit + self.smooth) / (found[0] + hit + voxels + self.smooth)).mean()
