"""A differentiable cousin of the Hausdorff distance."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from glioscope.core import InvalidImage
from glioscope.losses.region_loss import RegionLoss

__all__ = ["Hausdorff", "distances_outside"]


class Hausdorff(RegionLoss):
    """How probable a class is far from where it is: `mean * L_mean + maximum * L_max`, each a mean over exams and classes.

    `L_mean` is the mean over voxels of `p^beta u^alpha`, `L_max` its maximum, u being the distance in voxels to the class in
    the target, 0 inside. A class that the target lacks has no distance: it adds 0 and still counts as a class, so leave what
    is falsely found of it to a term beside this one. Distances are computed on the processor, exactly, for each call.

    Source: 3D MRI brain tumour segmentation with VAE regularisation and Hausdorff-like loss, BraTS 2021 (alpha 1, beta 1,
    mean 0.1, maximum 0.01, beside cross-entropy of weight 1).

    Args:
        activation: See `RegionLoss`; the background of `softmax` is a class too.
        mean: Weight of `L_mean`.
        maximum: Weight of `L_max`.
        alpha: Exponent of the distance.
        beta: Exponent of the probability.

    Raises:
        InvalidImage: a weight is negative or both are 0, or an exponent is not positive (beta: below 1).
    """

    def __init__(
        self, activation: str = "sigmoid", mean: float = 1.0, maximum: float = 0.0, alpha: float = 1.0, beta: float = 1.0
    ) -> None:
        if min(mean, maximum) < 0 or mean == maximum == 0:
            raise InvalidImage(f"Loss 'hausdorff' needs weights from 0 up, one above 0, not mean {mean} and maximum {maximum}.")
        if alpha <= 0 or beta < 1:
            raise InvalidImage(f"Loss 'hausdorff' needs alpha above 0 and beta from 1 up, not {alpha} and {beta}.")
        super().__init__(activation)
        self.mean = mean
        self.maximum = maximum
        self.alpha = alpha
        self.beta = beta

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """See `RegionLoss.compute`."""
        far = distances_outside(target).to(logits) ** self.alpha
        cost = (self.probabilities(logits) ** self.beta * far).flatten(2)
        return self.mean * cost.mean() + self.maximum * cost.amax(dim=2).mean()


def distances_outside(target: Tensor) -> Tensor:
    """Distance of each voxel to the nearest of its class, in voxels, 0 inside; `(N, K, X, Y, Z)`, 0 where a class is empty."""
    masks = target.detach().cpu().numpy() > 0.5
    maps = np.zeros(masks.shape, dtype=np.float32)
    for index in np.ndindex(*masks.shape[:2]):
        if masks[index].any():
            maps[index] = ndimage.distance_transform_edt(~masks[index])
    return torch.from_numpy(maps)
