"""What a tumour grows in, and how fast it does: tissue fractions, diffusion tensors, parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InvalidImage

__all__ = ["GrowthParameters", "Tissue"]

SOLID = 0.5
"""Least part of a voxel that must be white or grey matter for tumour cells to live in it; the rest is fluid."""


@dataclass(frozen=True, eq=False)
class Tissue:
    """A brain as tumour cells see it; every array on one grid of shape (X, Y, Z).

    Attributes:
        white: float32 in [0, 1], part of each voxel that is white matter.
        grey: float32 in [0, 1], part that is grey matter.
        brain: bool; growth never leaves it, nor enters the fluid in it (see `solid`).
        spacing: Edge lengths of a voxel in mm along the three array axes.
        tensor: (X, Y, Z, 3, 3), symmetric diffusion tensors along the array axes, normalised to trace 1; or None.
        anisotropy: float32 in [0, 1], fractional anisotropy; computed from `tensor` where None.

    Raises:
        InvalidImage: the arrays differ in shape or hold no solid tissue, or a spacing is not positive.
    """

    white: NDArray[np.float32]
    grey: NDArray[np.float32]
    brain: NDArray[np.bool_]
    spacing: tuple[float, float, float]
    tensor: NDArray[np.float32] | None = None
    anisotropy: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        shape = self.brain.shape
        fitting = self.white.shape == self.grey.shape == shape and len(shape) == 3
        fitting &= self.tensor is None or self.tensor.shape == (*shape, 3, 3)
        fitting &= self.anisotropy is None or self.anisotropy.shape == shape
        if not fitting:
            raise InvalidImage("White matter, grey matter, brain mask and tensors must lie on one grid.")
        if not all(math.isfinite(s) and s > 0 for s in self.spacing):
            raise InvalidImage(f"A voxel cannot measure {' x '.join(f'{s:g}' for s in self.spacing)} mm.")
        if not self.solid.any():
            raise InvalidImage("The brain mask and the tissue maps have no voxel of white or grey matter in common.")

    @cached_property
    def solid(self) -> NDArray[np.bool_]:
        """The brain without its fluid: voxels at least half filled by white and grey matter."""
        return self.brain & (self.white + self.grey >= SOLID)

    @property
    def voxel_volume(self) -> float:
        """Volume of a voxel in ml."""
        return math.prod(self.spacing) / 1000


@dataclass(frozen=True)
class GrowthParameters:
    """The reaction-diffusion model's numbers, in mm and one unit of time (days, where rho is a rate a day).

    Attributes:
        rho: Rate of proliferation, 1/time, at least 0.
        white: Diffusivity in white matter, mm2/time, at least 0.
        grey: Diffusivity in grey matter, mm2/time, at least 0.
        tau: Weight of the anisotropic diffusion, mm2/time, at least 0; 0 ignores the tensors.
        visible: Cell density (0 to 1) above which the tumour can be seen.

    Raises:
        InvalidImage: a number is out of its range.
    """

    rho: float = 0.01
    white: float = 0.1
    grey: float = 0.01
    tau: float = 0.0
    visible: float = 0.5

    def __post_init__(self) -> None:
        for name in ("rho", "white", "grey", "tau"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise InvalidImage(f"The growth parameter {name} is {value:g}; it must be a number of at least 0.")
        if not 0 < self.visible < 1:
            raise InvalidImage(f"The growth parameter visible is {self.visible:g}; it must lie between 0 and 1.")
