"""A later exam of a patient on the baseline: rigid about the lesions, then deformed, the lesions themselves not compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import ProcessingFailed, Transform, Volume, resample_mask
from glioscope.core.boxes import box_of
from glioscope.preprocessing.registration.catalogue import get_engine
from glioscope.preprocessing.registration.engine import Alignment
from glioscope.preprocessing.registration.itk_space import orthonormal
from glioscope.preprocessing.registration.plausibility import implausible
from glioscope.preprocessing.registration.refinement import refine_pair
from glioscope.preprocessing.registration.start import coarse_alignment, compared

__all__ = ["AROUND_MM", "FollowUpAlignment", "align_follow_up"]

AROUND_MM = 40.0
"""The rigid transform is fitted to the brain within this distance of the lesions: what happens beside them is asked about."""

WHOLE_MM, NEAR_MM = 5.0, 3.0
"""Distances of the points compared, first in the whole brain and then around the lesions."""

MARGIN_MM = 8.0
"""What is compared beyond the brain, as between the sequences of an exam."""

SAME_SPACE_DICE = 0.8
"""Overlap of two skull-stripped brains on one grid from which they are taken to lie in one space already."""


@dataclass(frozen=True, eq=False)
class FollowUpAlignment:
    """Where a follow-up lies.

    Attributes:
        rigid: Baseline world points to follow-up world points (mm, RAS).
        deformed: The same after SyN, and the way back; None where only the rigid one was asked for.
        excluded: The lesions of both exams on the baseline's grid, which were not compared.
    """

    rigid: Transform
    deformed: Alignment | None
    excluded: Volume


def align_follow_up(
    baseline: Volume,
    follow_up: Volume,
    *,
    lesions: Volume,
    later_lesions: Volume,
    brain: Volume | None = None,
    deform: bool = True,
    quick: bool = False,
    seed: int = 0,
) -> FollowUpAlignment:
    """Bring a later exam of the same patient to the baseline.

    A lesion that grew, shrank or was taken out is no place to compare two exams at: both exams' lesions are masked out of
    every stage (cost-function masking; Brett et al., NeuroImage 14, 2001). The rigid stage maximises normalised mutual
    information, first over the brain, then within AROUND_MM of the lesions; SyN (Avants et al., Med Image Anal 12, 2008) goes
    on from there and is carried through the lesions by its smoothness.

    Args:
        baseline: One sequence of the first exam.
        follow_up: The same sequence of the later exam, on any grid.
        lesions: The baseline's label map or mask, on any grid in its space.
        later_lesions: The follow-up's, in its space.
        brain: Brain mask of the baseline; what is not 0 where None.
        deform: Whether SyN follows.
        quick: SyN on voxels of 4 mm instead of 2 mm.
        seed: Of the points compared.

    Raises:
        ProcessingFailed: what was found cannot be, see `implausible`.
        EngineMissing: ANTs is not installed.
    """
    fixed, moving = orthonormal(baseline), orthonormal(follow_up)
    inside = fixed.with_data(fixed.data != 0) if brain is None else resample_mask(brain, fixed.grid)
    first = resample_mask(_mask(lesions), fixed.grid).data
    near = _distance(~inside.data, fixed) <= MARGIN_MM
    rigid = refine_pair(
        fixed, moving, _usable(fixed, near & ~first), _start(fixed, moving, inside), millimetres=WHOLE_MM, seed=seed
    )
    excluded = first | resample_mask(_mask(later_lesions), fixed.grid, rigid).data
    if excluded.any():
        around = near & ~excluded & (_distance(~excluded, fixed) <= AROUND_MM)
        rigid = refine_pair(fixed, moving, _usable(fixed, around), rigid, millimetres=NEAR_MM, seed=seed)
    # Two exams in one space may be less alike than before: what was compared lies around the lesions.
    fault = implausible(rigid, fixed, moving, inside, alike=False)
    if fault:
        raise ProcessingFailed(f"The follow-up cannot be brought to the baseline: {fault}; look at the images.")
    masked = fixed.with_data(excluded)
    if not deform:
        return FollowUpAlignment(rigid, None, masked)
    box = box_of(near if near.any() else np.ones_like(near))
    part, left_out = _cropped(fixed, box), _cropped(masked, box)
    deformed = get_engine("ants").register(
        part, moving, kind="deformation", excluded=left_out if excluded.any() else None, start=rigid, seed=seed, quick=quick
    )
    return FollowUpAlignment(rigid, deformed, masked)


def _cropped(volume: Volume, box: tuple[slice, ...]) -> Volume:
    """The part of a volume in a box: beyond the brain there is nothing to deform."""
    return Volume(volume.data[box], volume.grid.cropped([s.start for s in box], [s.stop for s in box]))


def _mask(labels: Volume) -> Volume:
    return labels.with_data(labels.data > 0)


def _distance(outside: NDArray[np.bool_], volume: Volume) -> NDArray[np.float64]:
    """Distance in mm of each voxel where `outside` is set to the nearest where it is not."""
    return np.asarray(ndimage.distance_transform_edt(outside, sampling=volume.grid.spacing))


def _usable(volume: Volume, where: NDArray[np.bool_]) -> Volume:
    """`where`, or everywhere if that is nowhere."""
    return volume.with_data(where if where.any() else np.ones_like(where))


def _start(fixed: Volume, moving: Volume, inside: Volume) -> Transform:
    """The identity for two exams in one space, else the better of it and a coarse search."""
    identity = Transform.identity()
    if fixed.grid.same_as(moving.grid):
        brains = inside.data, moving.data != 0
        both = 2 * float((brains[0] & brains[1]).sum())
        if both >= SAME_SPACE_DICE * float(brains[0].sum() + brains[1].sum()):
            return identity
    found = coarse_alignment(fixed, moving, fixed_mask=inside)
    compare = compared(fixed, moving, inside, seed=0)
    return max((found, identity), key=lambda transform: compare.similarity(transform.matrix))
