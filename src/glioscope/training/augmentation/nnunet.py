"""The augmentation of nnU-Net."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from batchgeneratorsv2.transforms.base.basic_transform import BasicTransform
from batchgeneratorsv2.transforms.intensity.brightness import BrightnessAdditiveTransform, MultiplicativeBrightnessTransform
from batchgeneratorsv2.transforms.intensity.contrast import BGContrast, ContrastTransform
from batchgeneratorsv2.transforms.intensity.gamma import GammaTransform
from batchgeneratorsv2.transforms.intensity.gaussian_noise import GaussianNoiseTransform
from batchgeneratorsv2.transforms.noise.gaussian_blur import GaussianBlurTransform
from batchgeneratorsv2.transforms.spatial.low_resolution import SimulateLowResolutionTransform
from batchgeneratorsv2.transforms.spatial.mirroring import MirrorTransform
from batchgeneratorsv2.transforms.utils.random import RandomTransform
from torch import Tensor

from glioscope.training.augmentation.augmentation import Augmentation
from glioscope.training.augmentation.seeding import seeded
from glioscope.training.augmentation.shading import Shading
from glioscope.training.augmentation.thick_slices import ThickSlices
from glioscope.training.augmentation.warp import Warp, Warper

__all__ = ["NNUNet"]

ANISOTROPY = 3.0
"""A patch whose longest side has this many times the voxels of the shortest is rotated and scaled in its planes only."""


class NNUNet(Augmentation):
    """Rotation, scaling, noise, blur, brightness, contrast, low resolution, gamma and mirroring, in this order.

    As the defaults stand, the parameters of nnU-Net v2 (Isensee et al., Nature Methods 2021, supplementary note 4, and the
    public trainer), done by batchgeneratorsv2. Two things differ: the part of the exam that is read is the one that the drawn
    rotation and scaling look at, so that no corner of a patch is empty; and blurring does not choose its algorithm by a
    stopwatch, so that the same seed gives the same patch. What was outside the brain is zero again at the end, as are the
    channels of sequences that the exam lacks.

    Args:
        patch: Voxels along each axis.
        spacing: mm of a voxel along each axis.
        p_rotation: Probability of a rotation about all axes.
        degrees: Its largest angle, either way.
        p_scaling: Probability of a scaling.
        scaling: Its range.
        p_same_scaling: Probability that all axes are scaled alike.
        p_elastic: Probability of an elastic deformation.
        elastic: Range of its smoothness, as a share of the patch.
        p_noise, p_blur, p_brightness, p_contrast, p_low_resolution, p_inverted_gamma, p_gamma: Probabilities of the others.
        p_shift: Probability of additive brightness (standard deviation 0.2, each channel by chance 0.5).
        p_thick: Probability of slices as thick as `thickness` along an axis, in voxels.
        p_shading: Probability of smooth fields whose standard deviations lie in `shading`.
        gamma: Range of the exponent.
        mirror: Axes along which a patch may be mirrored.
    """

    def __init__(
        self,
        patch: tuple[int, int, int],
        spacing: tuple[float, float, float],
        p_rotation: float = 0.2,
        degrees: float = 30.0,
        p_scaling: float = 0.2,
        scaling: tuple[float, float] = (0.7, 1.4),
        p_same_scaling: float = 1.0,
        p_elastic: float = 0.0,
        elastic: tuple[float, float] = (0.0, 0.25),
        p_noise: float = 0.1,
        p_blur: float = 0.2,
        p_brightness: float = 0.15,
        p_contrast: float = 0.15,
        p_low_resolution: float = 0.25,
        p_inverted_gamma: float = 0.1,
        p_gamma: float = 0.3,
        p_shift: float = 0.0,
        p_shading: float = 0.0,
        shading: tuple[float, float] = (0.1, 0.6),
        p_thick: float = 0.0,
        thickness: tuple[float, float] = (2.0, 6.0),
        gamma: tuple[float, float] = (0.7, 1.5),
        mirror: Sequence[int] = (0, 1, 2),
    ) -> None:
        super().__init__(patch, spacing)
        self.p_rotation, self.radians = p_rotation, math.radians(degrees)
        self.p_scaling, self.scaling, self.p_same_scaling = p_scaling, scaling, p_same_scaling
        self.p_elastic, self.elastic = p_elastic, elastic
        # The axis across thick slices, or None.
        self.thick = int(np.argmin(patch)) if max(patch) / min(patch) > ANISOTROPY else None
        self._warper = Warper(patch)
        factor = BGContrast((0.75, 1.25))
        exponent = BGContrast(tuple(gamma))
        self._transforms: list[BasicTransform] = [
            RandomTransform(transform, probability)
            for transform, probability in (
                (GaussianNoiseTransform((0, 0.1), p_per_channel=1, synchronize_channels=True), p_noise),
                (GaussianBlurTransform((0.5, 1.0), p_per_channel=0.5, benchmark=False), p_blur),
                (MultiplicativeBrightnessTransform(factor, synchronize_channels=False, p_per_channel=1), p_brightness),
                (BrightnessAdditiveTransform(0, 0.2, synchronize_channels=False, p_per_channel=0.5), p_shift),
                (ContrastTransform(factor, preserve_range=True, synchronize_channels=False, p_per_channel=1), p_contrast),
                (self._low_resolution(), p_low_resolution),
                (Shading((shading[0], shading[1])), p_shading),
                (ThickSlices((thickness[0], thickness[1])), p_thick),
                (GammaTransform(exponent, 1, synchronize_channels=False, p_per_channel=1, p_retain_stats=1), p_inverted_gamma),
                (GammaTransform(exponent, 0, synchronize_channels=False, p_per_channel=1, p_retain_stats=1), p_gamma),
            )
            if probability > 0
        ]
        if mirror:
            self._transforms.append(MirrorTransform(tuple(mirror)))

    def _low_resolution(self) -> SimulateLowResolutionTransform:
        return SimulateLowResolutionTransform(
            (0.5, 1.0),
            synchronize_channels=False,
            synchronize_axes=True,
            ignore_axes=() if self.thick is None else (self.thick,),
            p_per_channel=0.5,
        )

    def draw(self, rng: np.random.Generator) -> Warp:
        """A rotation, a scaling and a deformation, or some of them."""
        angles, scales, sigmas = np.zeros(3), np.ones(3), None
        if rng.random() < self.p_rotation:
            if self.thick is None:
                angles = rng.uniform(-self.radians, self.radians, 3)
            else:
                angles[self.thick] = rng.uniform(-np.pi, np.pi)
        if rng.random() < self.p_scaling:
            scales = rng.uniform(*self.scaling, 3)
            if rng.random() < self.p_same_scaling:
                scales[:] = scales[0]
        if self.p_elastic and rng.random() < self.p_elastic:
            sigmas = rng.uniform(*self.elastic, 3)
        if self.thick is not None:
            scales[self.thick] = 1.0
            if sigmas is not None:
                sigmas[self.thick] = 0.0
        (a, b, c), (x, y, z) = angles.tolist(), scales.tolist()
        return Warp.of(self.patch, (a, b, c), (x, y, z), None if sigmas is None else tuple(sigmas.tolist()))

    def apply(self, image: Tensor, labels: Tensor, warp: Warp, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """See Augmentation."""
        lacking = ~image.flatten(1).any(dim=1)
        with seeded(int(rng.integers(2**32))), torch.no_grad():
            image, labels = self._warper(image, labels, warp)
            done = {"image": image, "segmentation": labels}
            for transform in self._transforms:
                done = transform(**done)
        image, labels = done["image"], done["segmentation"]
        image.masked_fill_(labels < 0, 0.0)
        image[lacking] = 0.0
        return image, labels
