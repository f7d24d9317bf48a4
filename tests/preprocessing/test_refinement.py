from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from glioscope.core import Grid, Transform, Volume, read_labels, read_volume
from glioscope.preprocessing.registration.likeness import Likeness
from glioscope.preprocessing.registration.refinement import refine_atlas_pose, refine_sequences
from glioscope.preprocessing.registration.start import between_slices, coarse_alignment, compared
from tests.preprocessing.heads import centred_grid, head
from tests.preprocessing.test_registration import errors, rigid

T1C, T2W = "MRHR_T1_AX_POST_GAD_SE_13_se2d1r", "MRHR_T2_AX_SE_2_tse2d1_11"
TRUTHS = {"t1n": rigid((3, -2, 5), (4, -3, 2)), "t2w": rigid((-4, 3, 2), (-2, 5, 1))}
POSE = rigid((6, -3, 4), (3, 8, -5))
OFF = rigid((1.5, -1, 1), (1.5, -1, 2))


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.inv(matrix), np.float64)


def thick(grid: Grid, matrix: NDArray[np.float64] | None = None, *, inverted: bool = False, parts: int = 3) -> Volume:
    """The head as a scanner sees it: every voxel is the mean over its extent."""
    affine = grid.affine.copy()
    affine[:3, :3] /= parts
    affine[:3, 3] = grid.to_world(np.full(3, -0.5 + 0.5 / parts))
    x, y, z = grid.shape
    fine = head(Grid((x * parts, y * parts, z * parts), affine), matrix, inverted=inverted).data
    return Volume(fine.reshape(x, parts, y, parts, z, parts).mean(axis=(1, 3, 5)), grid)


def test_gradient_is_that_of_the_measure() -> None:
    fixed = head(centred_grid((44, 50, 22), (4.0, 4.0, 7.0)))
    measure = Likeness(compared(fixed, head(fixed.grid, inverted=True), None, 0, 5.0), inside_only=True)
    matrix, step = rigid((4, 2, -3), (3, -2, 4)), np.zeros((4, 4))
    step[1, 3] = 0.05
    slope = (measure(matrix + step)[0] - measure(matrix - step)[0]) / 0.1
    assert slope == pytest.approx(measure(matrix)[1][1, 3], rel=0.1)


def test_slices_between_lie_where_they_belong() -> None:
    grid = centred_grid((2, 3, 12), (1.0, 1.0, 5.0))
    finer = between_slices(Volume(np.broadcast_to(10.0 * np.arange(12), grid.shape).copy(), grid))
    assert finer.grid.shape == (2, 3, 24)
    assert finer.grid.spacing == pytest.approx([1, 1, 2.5])
    assert finer.grid.to_world([0, 0, 11.5]) == pytest.approx(grid.to_world([0, 0, 5.5]))
    # A spline goes through a straight line, a quarter of a step below and above each slice (not so at the ends).
    assert finer.data[1, 2, 10:14] == pytest.approx([47.5, 52.5, 57.5, 62.5], abs=0.05)
    peak = np.zeros(grid.shape)
    peak[..., 5] = 1
    assert between_slices(Volume(peak, grid)).data[0, 0, 10] == pytest.approx(0.8814, abs=1e-3)  # a line gives 0.75


def test_each_sequence_is_held_by_those_after_it_too() -> None:
    reference = thick(centred_grid((50, 60, 20), (3.6, 3.6, 9.0)))
    mask = reference.with_data(reference.data > reference.data.mean())
    others = {
        name: thick(centred_grid((52, 58, 18), (3.6, 3.6, 9.0)), _inverse(truth), inverted=name == "t2w")
        for name, truth in TRUTHS.items()
    }
    starts = {n: Transform(t @ OFF) for n, t in TRUTHS.items()}
    alone = refine_sequences(reference, mask, {"t1n": others["t1n"]}, starts)["t1n"]
    held = refine_sequences(reference, mask, others, starts)["t1n"]
    assert not np.array_equal(alone.matrix, held.matrix)  # they were the same when each saw only those before it


def test_sequences_and_atlas_are_found_together() -> None:
    atlas = head(centred_grid((60, 70, 56), (3.0, 3.0, 3.0)))
    reference = thick(centred_grid((66, 80, 60), (2.7, 2.7, 3.0)), _inverse(POSE))
    mask = reference.with_data(reference.data > reference.data.mean())
    others = {
        name: thick(centred_grid((70, 70, 62), (2.8, 2.8, 2.8)), _inverse(truth @ POSE), inverted=name == "t2w")
        for name, truth in TRUTHS.items()
    }
    found = refine_sequences(reference, mask, others, {n: Transform(t @ OFF) for n, t in TRUTHS.items()})
    for name, truth in TRUTHS.items():
        assert errors(found[name], truth)[0] < 1.5  # from 3.7; the phantom's brain has hardly an inside to hold on to
    images, poses = {"": reference, **others}, {"": Transform.identity(), **found}
    pose = refine_atlas_pose(atlas, images, poses, mask, Transform(POSE @ OFF))
    assert errors(pose, POSE)[0] < 0.7
    again = refine_atlas_pose(atlas, images, poses, mask, Transform(POSE @ OFF))
    assert again.matrix.tobytes() == pose.matrix.tobytes()


def test_moved_sequence_is_found_where_it_was_put(test_data: Path) -> None:
    t1c, t2w = (read_volume(test_data / f"exams/raw/TCGA-FG-6692/{n}.nii.gz").reoriented("RAS") for n in (T1C, T2W))
    brain = t1c.with_data(t1c.data > np.percentile(t1c.data, 75))
    centre = t1c.grid.to_world((np.array(t1c.grid.shape) - 1) / 2)
    move = rigid((2, -1, 2), (0, 0, 0))
    move[:3, 3] = centre - move[:3, :3] @ centre + [2, -3, 2]
    moved = Volume.of(t2w.data, move @ t2w.grid.affine)
    plain, found = (
        refine_sequences(t1c, brain, {"t2w": image}, {"t2w": coarse_alignment(t1c, image)})["t2w"].matrix
        for image in (t2w, moved)
    )
    around = np.eye(4)
    around[:3, 3] = centre
    distance, angle = errors(Transform(found @ around), move @ plain @ around)
    assert distance < 0.3
    assert angle < 0.3


@pytest.mark.slow
def test_pose_of_the_raw_exam_hardly_depends_on_start_and_seed(test_data: Path) -> None:
    """Issue 2: one image alone left the pose open by 1 to 3 mm from seed to seed."""
    from glioscope.atlas import atlas_volume
    from glioscope.preprocessing.brain_extraction import find_brain

    folder = test_data / "exams/raw/TCGA-FG-6692"
    names = {"t1c": "MRHR_T1_AX_POST_GAD_SE_13_se2d1r", "t1n": "T1_AX_SE_10_se2d1"}
    t1c, t1n = (read_volume(folder / f"{name}.nii.gz").reoriented("RAS") for name in names.values())
    mask = find_brain(t1c, "deepbet").mask
    brain = read_labels(atlas_volume("SRI24-BraTS", "brain_mask"))
    points = brain.grid.to_world(np.argwhere(brain.data > 0)[::997])
    atlas = read_volume(atlas_volume("SRI24-BraTS", "t1"))
    poses = {"": Transform.identity(), **refine_sequences(t1c, mask, {"t1n": t1n}, {"t1n": Transform.identity()})}
    first = coarse_alignment(atlas, t1c)
    results = [
        refine_atlas_pose(atlas, {"": t1c, "t1n": t1n}, poses, mask, Transform(first.matrix @ off), seed=seed).apply(points)
        for seed, off in enumerate((np.eye(4), OFF, _inverse(OFF)))
    ]
    for other in results[1:]:
        assert np.linalg.norm(results[0] - other, axis=1).mean() < 0.5
