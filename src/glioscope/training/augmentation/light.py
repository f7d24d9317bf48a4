"""Mirroring, rotation, translation, and the intensities scaled and shifted."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from glioscope.training.augmentation.augmentation import Augmentation
from glioscope.training.augmentation.seeding import seeded
from glioscope.training.augmentation.warp import Warp, Warper

__all__ = ["Light"]


class Light(Augmentation):
    """As the defaults stand, what Swin UNETR was trained with: mirroring, and each channel times 0.9 to 1.1 plus -0.1 to 0.1.

    Source: Hatamizadeh et al., BrainLes 2021, "Implementation details"; the probabilities of scale and shift are not printed,
    the public code has 1. With `rotation`, `translation` and no intensities it is the augmentation of AGU-Net (Helland et al.,
    Scientific Reports 2023, 2.2.3).

    Args:
        patch: Voxels along each axis.
        spacing: mm of a voxel along each axis.
        mirror: Axes along which a patch may be mirrored.
        p_mirror: Probability, for each axis.
        degrees: Largest rotation, either way.
        rotation_axes: Axes about which a patch is rotated.
        p_rotation: Probability of a rotation.
        translation: Largest shift along each axis, as a share of the patch.
        p_translation: Probability of a shift.
        scale: Largest relative change of a channel.
        shift: Largest shift of a channel, in units of the normalised image.
        p_intensity: Probability of each of both.
    """

    def __init__(
        self,
        patch: tuple[int, int, int],
        spacing: tuple[float, float, float],
        mirror: Sequence[int] = (0, 1, 2),
        p_mirror: float = 0.5,
        degrees: float = 0.0,
        rotation_axes: Sequence[int] = (2,),
        p_rotation: float = 0.5,
        translation: float = 0.0,
        p_translation: float = 0.5,
        scale: float = 0.1,
        shift: float = 0.1,
        p_intensity: float = 1.0,
    ) -> None:
        super().__init__(patch, spacing)
        self.mirror, self.p_mirror = tuple(mirror), p_mirror
        self.radians, self.rotation_axes, self.p_rotation = math.radians(degrees), tuple(rotation_axes), p_rotation
        self.translation, self.p_translation = translation, p_translation
        self.scale, self.shift, self.p_intensity = scale, shift, p_intensity
        self._warper = Warper(patch)

    def draw(self, rng: np.random.Generator) -> Warp:
        """A rotation and a translation, or neither."""
        angles, offset = np.zeros(3), np.zeros(3, int)
        if self.radians and rng.random() < self.p_rotation:
            angles[list(self.rotation_axes)] = rng.uniform(-self.radians, self.radians, len(self.rotation_axes))
        if self.translation and rng.random() < self.p_translation:
            offset = np.rint(rng.uniform(-1, 1, 3) * self.translation * np.asarray(self.patch)).astype(int)
        (a, b, c), (x, y, z) = angles.tolist(), offset.tolist()
        return Warp.of(self.patch, (a, b, c), offset=(x, y, z))

    def apply(self, image: Tensor, labels: Tensor, warp: Warp, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """See Augmentation."""
        with seeded(int(rng.integers(2**32))):
            image, labels = self._warper(image, labels, warp)
        axes = [axis + 1 for axis in self.mirror if rng.random() < self.p_mirror]
        if axes:
            image, labels = torch.flip(image, axes), torch.flip(labels, axes)
        inside = labels >= 0
        for channel in image:
            if not channel.any():
                continue  # a sequence that the exam lacks stays zero
            if self.scale and rng.random() < self.p_intensity:
                channel.mul_(1 + float(rng.uniform(-self.scale, self.scale)))
            if self.shift and rng.random() < self.p_intensity:
                channel.add_(float(rng.uniform(-self.shift, self.shift)) * inside[0])
        return image, labels
