"""A start for the refinement of all poses: the coarse search alone, checked."""

from __future__ import annotations

from glioscope.core import ProcessingFailed, Transform, Volume
from glioscope.preprocessing.registration.itk_space import orthonormal
from glioscope.preprocessing.registration.plausibility import implausible
from glioscope.preprocessing.registration.start import coarse_alignment

__all__ = ["rough_alignment"]


def rough_alignment(fixed: Volume, moving: Volume, seed: int = 0) -> Transform:
    """A rigid transform from `fixed` to `moving`, two sequences of one head, right to some millimetres and degrees.

    No engine is asked: the refinement that follows ends in the same pose from here, and an engine takes longer to load than to
    search.

    Raises:
        ProcessingFailed: what was found cannot be, see `implausible`.
    """
    fixed, moving = orthonormal(fixed), orthonormal(moving)
    found = coarse_alignment(fixed, moving, seed=seed)
    fault = implausible(found, fixed, moving, None)
    if fault:
        raise ProcessingFailed(f"The sequences cannot be aligned: {fault}; look at the images.")
    return found
