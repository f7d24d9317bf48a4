from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glioscope.core import Grid, InputUnreadable, Transform
from glioscope.preprocessing.transform_files import read_transform, write_transform
from tests.preprocessing.heads import centred_grid

LPS = np.array([-1.0, -1.0, 1.0])
MATRIX = np.array([[0.9, 0.1, 0.0, 12.0], [-0.1, 1.1, 0.05, -7.0], [0.02, 0.0, 0.95, 30.0], [0, 0, 0, 1.0]])


def deformable(*, sheared: bool) -> Transform:
    grid = centred_grid((9, 11, 7), (5.0, 5.0, 6.0))
    affine = MATRIX @ grid.affine if sheared else grid.affine
    vectors = np.random.default_rng(3).normal(0, 2, (9, 11, 7, 3)).astype(np.float32)
    return Transform(MATRIX, vectors, Grid(grid.shape, affine))


@pytest.mark.parametrize("transform", [Transform(MATRIX), deformable(sheared=False), deformable(sheared=True)])
def test_itk_maps_points_as_we_do(tmp_path: Path, transform: Transform) -> None:
    import SimpleITK as sitk

    path = tmp_path / "a.h5"
    write_transform(path, transform)
    itk = sitk.ReadTransform(str(path))
    points = np.random.default_rng(0).uniform(-8, 8, (50, 3))
    if transform.displacement_grid is not None:
        points = transform.displacement_grid.to_world(np.random.default_rng(0).uniform(1.5, 5, (50, 3)))
    ours = transform.apply(points)
    theirs = np.array([itk.TransformPoint((p * LPS).tolist()) for p in points]) * LPS
    np.testing.assert_allclose(theirs, ours, atol=1e-4)
    np.testing.assert_allclose(read_transform(path).apply(points), ours, atol=1e-4)


def test_ants_maps_points_as_we_do(tmp_path: Path) -> None:
    import ants

    write_transform(tmp_path / "a.h5", Transform(MATRIX))
    transform = ants.read_transform(str(tmp_path / "a.h5"))
    mapped = np.array(ants.apply_ants_transform_to_point(transform, tuple(np.array([10.0, 20.0, 30.0]) * LPS))) * LPS
    np.testing.assert_allclose(mapped, [23.0, 15.5, 58.7], atol=1e-4)


def test_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        write_transform(tmp_path / f"{name}.h5", deformable(sheared=True))
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "bad.h5"
    path.write_bytes(b"not a transform")
    with pytest.raises(InputUnreadable, match=r"bad\.h5"):
        read_transform(path)


def test_composition_is_sequential_application() -> None:
    first, second = deformable(sheared=False), Transform(np.linalg.inv(MATRIX))
    points = np.random.default_rng(1).uniform(-15, 15, (20, 3))
    np.testing.assert_allclose(first.then(second).apply(points), second.apply(first.apply(points)), atol=1e-9)
