"""Which flips of a window are predicted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

__all__ = ["Flip", "flips_of"]

Flip = tuple[int, ...]
"""The axes that are turned round; empty for the window as it is."""


def flips_of(axes: Sequence[int], place: Sequence[int], sharing: bool = False) -> list[Flip]:
    """All combinations of axes, or, with `sharing`, the half of them that falls to this window.

    A window's share depends on whether its place is even or odd along each axis, such that windows that are neighbours along an
    axis have the two halves, and that in each half every axis is flipped as often as not (a half fraction of a factorial
    design: Box and Hunter, Technometrics 1961). Where windows overlap, the weighted mean over them thus holds all flips.

    Args:
        axes: That may be flipped.
        place: The window's number along axes 0, 1 and 2.
        sharing: Whether neighbouring windows share the flips.
    """
    flips = [
        tuple(axis for axis, turned in zip(axes, turns, strict=True) if turned)
        for turns in product((False, True), repeat=len(axes))
    ]
    if not sharing or len(flips) == 1:
        return flips
    return [flip for flip in flips if (len(flip) + sum(place[axis] for axis in axes)) % 2 == 0]
