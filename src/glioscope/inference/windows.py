"""Where windows lie in a box, and how much each of their voxels counts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from glioscope.core.boxes import box_of
from glioscope.inference.settings import WindowSettings

__all__ = ["brain_box", "fitted_window", "window_starts", "window_weights"]

STEP = 32
"""A fitted side is a multiple of this: what most networks halve five times without a rest, so that one that was converted for a
window fits all others too."""

MOST_VOXELS = 2
"""Times as many voxels as the patch has, at most, in a window that was stretched: memory grows with them, and a network that
normalises over its input answers otherwise."""

SHARPNESS = 8
"""Sides of a window per standard deviation of its weights (Isensee et al., Nature Methods 2021)."""


def brain_box(inside: NDArray[np.bool_]) -> tuple[slice, ...] | None:
    """The smallest box that holds every voxel of the mask, or None for an empty one."""
    return box_of(inside) if inside.any() else None


def fitted_window(box: Sequence[int], settings: WindowSettings) -> tuple[int, int, int]:
    """Sides of the window for a box of the brain: the settings' own, or stretched or shrunk so that one window covers an axis.

    The axis that needs the least growth is stretched first, as long as the window has at most twice the patch's voxels.

    Args:
        box: Voxels along each axis.
        settings: Without `stretch` they decide alone.
    """
    sides = list(settings.window)
    if settings.stretch == 1:
        return settings.window
    most = MOST_VOXELS * math.prod(sides)
    steps = [math.lcm(STEP, by) for by in settings.divisor]
    whole = [-(-have // by) * by for have, by in zip(box, steps, strict=True)]
    for axis in sorted(range(3), key=lambda a: whole[a] / sides[a]):
        tried = [whole[a] if a == axis else side for a, side in enumerate(sides)]
        if whole[axis] <= settings.stretch * settings.window[axis] and math.prod(tried) <= most:
            sides = tried
    return sides[0], sides[1], sides[2]


def window_starts(size: int, window: int, overlap: float) -> list[int]:
    """First voxels of the windows along an axis: as few as overlap by at least that share, evenly spread, from end to end.

    The starts are the same seen from either end (but for half a voxel in the middle, where the room left is odd), so that a
    flipped image is cut into flipped windows.

    Args:
        size: Voxels along the axis, at least `window`.
        window: Voxels of a window.
        overlap: 0 to below 1.
    """
    room = size - window
    count = math.ceil(room / max(1.0, window * (1 - overlap))) + 1
    if count == 1:
        return [0]
    first = [round(room * n / (count - 1)) for n in range((count + 1) // 2)]
    return first + [room - start for start in reversed(first[: count // 2])]


def window_weights(size: int, window: int, starts: Sequence[int]) -> NDArray[np.float32]:
    """What a window's voxels count for along one axis: a Gaussian, divided by what all windows there add up to.

    Windows lie on a lattice, and a Gaussian of three axes is the product of three: so the product of these weights over the
    axes sums to 1 in every voxel of the box, and no volume of weights is kept. The centre of an even window is the voxel after
    its middle, as in nnU-Net: half a voxel less changes one label in 700 where neighbouring windows disagree much.

    Returns:
        (windows, window), all above 0.
    """
    place = (np.arange(window) - window // 2) / (window / SHARPNESS)
    weight = np.exp(-0.5 * place**2)
    total = np.zeros(size)
    for start in starts:
        total[start : start + window] += weight
    return np.stack([weight / total[start : start + window] for start in starts]).astype(np.float32)
