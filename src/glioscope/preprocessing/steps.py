"""The steps of pre-processing: pure functions from files to files, for the ledger to run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import Grid, Transform, Volume, read_header, read_labels, read_volume, resample, resample_mask, write_volume
from glioscope.core.transform import Interpolation
from glioscope.normalisation import NORMALISATIONS
from glioscope.preprocessing.bias_field import correct_bias
from glioscope.preprocessing.brain_extraction import find_brain
from glioscope.preprocessing.registration import Kind, get_engine, rough_alignment
from glioscope.preprocessing.transform_files import read_transform, write_transform

__all__ = [
    "GRID_ORIENTATION",
    "align_to_atlas",
    "align_to_reference",
    "carry_mask",
    "face_mask",
    "find_brain_mask",
    "make_registration_copy",
    "normalise_image",
    "refine_poses",
    "resample_image",
    "union_mask",
]

COPY_ORIENTATION = "RAS"
"""Orientation of the copies that registration sees."""

GRID_ORIENTATION = "LPS"
"""Orientation of the atlas grid in which images come out, the one of every BraTS case."""


def find_brain_mask(*, image: Path, engine: str, mask: Path) -> Mapping[str, Any]:
    """Write the brain mask of `image` on its own grid; returns the engine used and the volume in ml."""
    found = find_brain(read_volume(image), engine)
    write_volume(mask, found.mask)
    return found.facts


def make_registration_copy(*, image: Path, copy: Path) -> None:
    """Write a bias-corrected copy of `image` that only registration will see.

    Its axes run right, anterior, up, whatever those of `image` do, and N4 sees it without its place in the world: how a file is
    stored, and how a scanner tilts its planes, changes no voxel.
    """
    given = read_volume(image).reoriented(COPY_ORIENTATION)
    placeless = Volume.of(given.data, np.diag([*np.round(given.grid.spacing, 4), 1.0]))
    write_volume(copy, given.with_data(correct_bias(placeless).data))


def align_to_reference(*, reference: Path, moving: Path, seed: int, transform: Path) -> Mapping[str, Any]:
    """Write a rough rigid transform from the world of `reference` to that of `moving`; returns how far it moves the head."""
    fixed, shown = _clipped(read_volume(reference)), _clipped(read_volume(moving))
    frame = _frame(fixed.grid)
    aligned = rough_alignment(_framed(fixed, frame), _framed(shown, frame), seed)
    found = _after(frame, aligned).then(Transform(frame).inverse())
    write_transform(transform, found)
    return _motion(found, fixed)


def align_to_atlas(
    *, atlas: Path, reference: Path, engine: str, kind: Kind, seed: int, forward: Path, backward: Path
) -> Mapping[str, Any]:
    """Write the transform from the atlas's world to that of `reference` (`forward`), and its inverse (`backward`).

    Heads with their skulls are aligned: a rigid transform of the skull-stripped reference to the skull-stripped atlas ends
    two to four millimetres, mostly of pitch, from where the BraTS images lie.
    """
    fixed, moving = _clipped(read_volume(atlas)), _clipped(read_volume(reference))
    frame = _frame(moving.grid)
    found = get_engine(engine).register(fixed, _framed(moving, frame), kind=kind, seed=seed, quick=kind == "rigid")
    write_transform(forward, found.transform.then(Transform(frame).inverse()))
    write_transform(backward, _after(frame, found.inverse))
    return _motion(found.transform, fixed)


def refine_poses(
    *,
    atlas: Path,
    reference: Path,
    mask: Path,
    others: Mapping[str, Path],
    starts: Mapping[str, Path],
    pose: Mapping[str, Path],
    seed: int,
    transforms: Mapping[str, Path],
    onto: Mapping[str, Path],
) -> Mapping[str, Any]:
    """Write the refined rigid transforms from `reference` to each of `others`, and of the head to the atlas.

    Args:
        atlas, reference, others: Heads with their skulls; the latter two bias-corrected copies.
        mask: Brain of the reference.
        starts: Name of each other image -> transform from the reference's world to its own.
        pose: `forward`: the rigid transform from the atlas's world to the reference's; empty where it is not to be refined.
        transforms: Name -> file to write.
        onto: `forward` and `backward`: files to write where `pose` is given.

    Returns:
        How far each image was moved by it, in mm at the brain.
    """
    from glioscope.preprocessing.registration.refinement import refine_atlas_pose, refine_sequences

    fixed, brain = _clipped(read_volume(reference)), read_labels(mask).reoriented(COPY_ORIENTATION)
    frame = _frame(fixed.grid)
    home = Transform(frame).inverse()
    shown, inside = _framed(fixed, frame), _framed(brain, frame)
    images = {name: _framed(_clipped(read_volume(path)), frame) for name, path in others.items()}
    begun = {name: _within(read_transform(path), frame) for name, path in starts.items()}
    found = refine_sequences(shown, inside, images, begun, seed=seed)
    for name, path in transforms.items():
        write_transform(path, _after(frame, found[name]).then(home))
    points = inside.grid.to_world(np.argwhere(inside.data > 0)[::101])
    moved = {name: _distance(found[name], begun[name], points) for name in found}
    if pose:
        start = _snapped(read_transform(pose["forward"]).then(Transform(frame)))
        everything, poses = {"": shown, **images}, {"": Transform.identity(), **found}
        best = refine_atlas_pose(_clipped(read_volume(atlas)), everything, poses, inside, start, seed=seed)
        forward = best.then(home)
        write_transform(onto["forward"], forward)
        write_transform(onto["backward"], forward.inverse())
        moved["atlas"] = _distance(best, start, start.inverse().apply(points))
    return {"moved_mm": moved}


def _within(transform: Transform, frame: NDArray[np.float64]) -> Transform:
    """The rigid transform between two worlds, as it is when both are changed by `frame`."""
    return _snapped(Transform(frame @ transform.matrix @ np.linalg.inv(frame)))


def _snapped(start: Transform) -> Transform:
    """A start to about a micrometre: what is coarser than the rounding of two ways through the world is the same both ways."""
    matrix = np.round(start.matrix, 5)
    matrix[:3, 3] = np.round(matrix[:3, 3], 3)
    return Transform(matrix)


def _distance(one: Transform, other: Transform, points: NDArray[np.float64]) -> float:
    return round(float(np.linalg.norm(one.apply(points) - other.apply(points), axis=1).mean()), 2)


def _clipped(volume: Volume) -> Volume:
    """Without the extremes of the brightest and darkest percent (vessels, fat, air), which would use up the histogram."""
    low, high = np.percentile(volume.data, [1, 99])
    return volume.with_data(np.clip(volume.data, low, high))


def _frame(grid: Grid) -> NDArray[np.float64]:
    """Rigid change of world to the axes and the centre of `grid`.

    Registration works there, so that where a scanner puts its origin and how it tilts its planes changes no result.
    """
    u, _, vt = np.linalg.svd(grid.affine[:3, :3] / grid.spacing)
    frame = np.eye(4)
    frame[:3, :3] = (u @ vt).T
    frame[:3, 3] = -frame[:3, :3] @ grid.to_world((np.asarray(grid.shape) - 1) / 2)
    return frame


def _framed(volume: Volume, frame: NDArray[np.float64]) -> Volume:
    """The volume in that world, placed to a hundredth of a millimetre.

    Rounding in a file's header, other in every world that the same head may lie in, does not reach the optimiser so; it is
    the reference's own world that is rounded in, since in another one the rounding would not be the same.
    """
    affine = np.round(frame @ volume.grid.affine, 4)
    affine[:3, 3] = np.round(affine[:3, 3], 2)
    return Volume.of(volume.data, affine)


def _after(frame: NDArray[np.float64], following: Transform) -> Transform:
    """First the rigid change of world `frame`, then `following`."""
    back = np.linalg.inv(frame)
    if following.displacement is None or following.displacement_grid is None:
        return Transform(following.matrix @ frame)
    turned = np.asarray(following.displacement @ back[:3, :3].T, np.float32)
    grid = Grid(following.displacement_grid.shape, back @ following.displacement_grid.affine)
    return Transform(following.matrix @ frame, turned, grid)


def _motion(transform: Transform, fixed: Volume) -> dict[str, Any]:
    """What a person would want to know of a transform: turn in degrees, shift of the centre in mm, scales."""
    u, scales, vt = np.linalg.svd(transform.matrix[:3, :3])
    angle = np.degrees(np.arccos(np.clip((np.trace(u @ vt) - 1) / 2, -1, 1)))
    centre = fixed.grid.to_world((np.asarray(fixed.grid.shape) - 1) / 2)
    shift = np.linalg.norm(transform.apply(centre) - centre)
    return {
        "rotation_degrees": round(float(angle), 2),
        "shift_mm": round(float(shift), 2),
        "scales": [round(float(s), 3) for s in scales],
    }


def _chain(transforms: Mapping[str, Path]) -> Transform:
    """The composition of transform files in the order of their keys."""
    total = Transform.identity()
    for number, name in enumerate(sorted(transforms)):
        following = read_transform(transforms[name])
        total = following if number == 0 else total.then(following)
    return total


def resample_image(
    *,
    image: Path,
    grid: Path,
    transforms: Mapping[str, Path],
    hide: Mapping[str, Path],
    interpolation: Interpolation,
    output: Path,
) -> None:
    """Write `image` on the grid of `grid`, resampled once through the composed `transforms` (in the order of their keys).

    Args:
        image: The image as it came.
        grid: A volume whose grid to fill; where a brain mask is given, that mask's grid is.
        transforms: Grid world to the next world, and so on to the image's; none where the image lies on the grid, and then
            its voxels are written as they are.
        hide: `brain` -> mask on the grid outside which everything is 0; `face` -> mask inside which everything is 0.
        interpolation: `linear` or `bspline`.
        output: float32 NIfTI.
    """
    moving = read_volume(image)
    if "brain" in hide:  # the mask says in which order the atlas's axes are wanted, and which voxels are worth computing
        brain = read_labels(hide["brain"])
        box = ndimage.find_objects((brain.data > 0).astype(np.uint8))[0]
        part = brain.grid.cropped([s.start for s in box], [s.stop for s in box])
        inside = resample(moving, part, _chain(transforms), interpolation=interpolation).data
        shown = brain.with_data(np.zeros(brain.data.shape, np.float32))
        shown.data[box] = np.where(brain.data[box] > 0, inside, 0)
    elif transforms:
        shown = resample(moving, read_header(grid).grid, _chain(transforms), interpolation=interpolation)
    else:
        shown = moving
    if "face" in hide:
        shown = shown.with_data(np.where(read_labels(hide["face"]).data > 0, 0, shown.data))
    write_volume(output, shown)


def carry_mask(*, mask: Path, grid: Path, transform: Path, output: Path) -> None:
    """Write `mask` on the grid of the atlas `grid`, taken in LPS order, through `transform` (atlas world to mask world)."""
    fixed = read_volume(grid).reoriented(GRID_ORIENTATION)
    write_volume(output, resample_mask(read_labels(mask), fixed.grid, read_transform(transform)))


def face_mask(*, image: Path, mask: Path, output: Path) -> None:
    """Write the voxels of the native grid to blank so that nobody can be recognised."""
    from glioscope.preprocessing.defacing import deface_mask

    write_volume(output, deface_mask(read_volume(image), read_labels(mask)))


def union_mask(*, images: Mapping[str, Path], mask: Path) -> Mapping[str, Any]:
    """Write where any of the skull-stripped `images` is not 0, holes filled; returns the volume in ml."""
    volumes = [read_volume(path) for path in images.values()]
    anywhere = np.any([v.data != 0 for v in volumes], axis=0)
    union = volumes[0].with_data(np.asarray(ndimage.binary_fill_holes(anywhere), bool))
    write_volume(mask, union)
    return {"volume_ml": round(float(union.data.sum() * union.grid.voxel_volume / 1000), 1)}


def normalise_image(*, image: Path, mask: Path, name: str, output: Path) -> None:
    """Write `image` normalised by the method called `name` of `NORMALISATIONS`."""
    brain = read_labels(mask)
    write_volume(output, NORMALISATIONS[name](read_volume(image), brain))
