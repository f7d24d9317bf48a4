"""How a network is moved over a volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from glioscope.core import InvalidImage

__all__ = ["MOST_STRETCH", "WindowSettings"]

MOST_STRETCH = 4.0
"""More, and a window is hardly the one that the network learnt from."""


@dataclass(frozen=True)
class WindowSettings:
    """A sliding window.

    Attributes:
        patch: Voxels of a window along each axis; rounded up to multiples of `divisor`.
        overlap: Least share of a window that its neighbour covers too, 0 to below 1.
        mirror_axes: Axes (0, 1, 2) along which the window is also flipped; 2**n predictions are averaged. Empty for none.
        activation: `sigmoid` for regions that may overlap, `softmax` for labels.
        batch: How many flipped copies of a window are predicted at once.
        divisor: What the network divides the sides of its input by.
        stretch: A window may grow along an axis by up to this factor (and to twice its voxels in all) where the brain's box
            then needs one window there: much less work, and a network that normalises over its input sees other statistics.
            It also shrinks to a box that is smaller. 1 leaves every window as it is.
        share_flips: Whether neighbouring windows share the flips, half of them each: half the work, nearly the same answer.
    """

    patch: tuple[int, int, int]
    overlap: float = 0.5
    mirror_axes: tuple[int, ...] = (0, 1, 2)
    activation: Literal["sigmoid", "softmax"] = "sigmoid"
    batch: int = 1
    divisor: tuple[int, int, int] = (1, 1, 1)
    stretch: float = 1.0
    share_flips: bool = False

    def __post_init__(self) -> None:
        if len(self.patch) != 3 or min(self.patch) < 1:
            raise InvalidImage(f"A patch has three sides of at least one voxel, not {list(self.patch)}.")
        if not 0 <= self.overlap < 1:
            raise InvalidImage(f"The overlap of windows is from 0 to below 1, not {self.overlap}.")
        if not set(self.mirror_axes) <= {0, 1, 2}:
            raise InvalidImage(f"Axes to mirror are 0, 1 and 2, not {list(self.mirror_axes)}.")
        if self.activation not in ("sigmoid", "softmax"):
            raise InvalidImage(f"The activation is sigmoid or softmax, not '{self.activation}'.")
        if not 1 <= self.stretch <= MOST_STRETCH:
            raise InvalidImage(f"A window may stretch by a factor of 1 to {MOST_STRETCH:g}, not {self.stretch}.")
        if self.batch < 1:
            raise InvalidImage(f"At least one window is predicted at a time, not {self.batch}.")

    @property
    def window(self) -> tuple[int, int, int]:
        """Sides of the window that the network sees, if the box of the brain does not change them."""
        x, y, z = (-(-side // by) * by for side, by in zip(self.patch, self.divisor, strict=True))
        return x, y, z
