from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from glioscope.core import EngineMissing, Grid, ProcessingFailed, Transform, Volume, read_volume
from glioscope.preprocessing.registration import ENGINES, get_engine
from glioscope.preprocessing.registration.itk_space import itk_geometry, orthonormal, to_sitk
from glioscope.preprocessing.registration.plausibility import implausible
from tests.preprocessing.heads import centred_grid, head

RAW = "exams/raw/TCGA-FG-6692"


def rigid(angles: tuple[float, float, float], shift: tuple[float, float, float]) -> NDArray[np.float64]:
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    matrix[:3, 3] = shift
    return matrix


def errors(found: Transform, truth: NDArray[np.float64]) -> tuple[float, float]:
    """Largest distance (mm) within 60 mm of the origin, and angle (degrees)."""
    points = 60 * np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1], [0, 0, 0]], float)
    distance = np.linalg.norm(found.apply(points) - Transform(truth).apply(points), axis=1).max()
    turn = found.matrix[:3, :3] @ truth[:3, :3].T
    return float(distance), float(np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))))


@pytest.mark.parametrize("engine", ["ants", "simpleitk", "greedy"])
def test_known_displacement_of_a_synthetic_head(engine: str) -> None:
    if not ENGINES[engine].installed:
        pytest.skip(f"{engine} is not installed")
    truth = rigid((8, -6, 20), (15, -12, 16))
    fixed = head(centred_grid((72, 90, 36), (2.5, 2.5, 5.0)))
    grid = centred_grid((80, 80, 40), (2.7, 2.7, 5.0))
    moving = head(grid, np.linalg.inv(truth).astype(np.float64), inverted=True).reoriented("PIR")
    found = get_engine(engine).register(fixed, moving)
    distance, angle = errors(found.transform, truth)
    assert distance < 1.0
    assert angle < 1.0
    np.testing.assert_allclose(found.inverse.matrix @ found.transform.matrix, np.eye(4), atol=1e-9)


def test_same_bytes_every_time() -> None:
    fixed = head(centred_grid((50, 60, 28), (3.5, 3.5, 6.0)))
    moving = head(fixed.grid, rigid((5, 3, -4), (4, 2, -3)), inverted=True)
    results = [get_engine("ants").register(fixed, moving, kind="affine").transform.matrix.tobytes() for _ in range(2)]
    assert results[0] == results[1]


def test_displacement_of_a_real_sequence_is_recovered(test_data: Path) -> None:
    t1 = read_volume(test_data / RAW / "T1_AX_SE_10_se2d1.nii.gz")
    t2 = read_volume(test_data / RAW / "MRHR_T2_AX_SE_2_tse2d1_11.nii.gz")
    centre = t1.grid.to_world((np.array(t1.grid.shape) - 1) / 2)
    move = rigid((6, -4, 10), (0, 0, 0))
    move[:3, 3] = centre - move[:3, :3] @ centre + [12, -14, 8]
    moved = Volume.of(t2.data, move @ t2.grid.affine)
    engine = get_engine("ants")
    plain = engine.register(t1, t2).transform.matrix
    found = engine.register(t1, moved).transform
    around = np.eye(4)
    around[:3, 3] = centre
    distance, angle = errors(Transform(found.matrix @ around), move @ plain @ around)
    assert distance < 1.0
    assert angle < 1.0


@pytest.mark.parametrize("orientation", ["RAS", "LPS", "PIR", "ASL"])
def test_itk_geometry_is_exact(orientation: str) -> None:
    oblique = centred_grid((5, 7, 4), (0.9, 1.3, 5.5))
    grid = Grid(oblique.shape, rigid((12, -7, 30), (3, -80, 17)) @ oblique.affine)
    volume = Volume(np.arange(140, dtype=np.float32).reshape(5, 7, 4), grid).reoriented(orientation)
    image = to_sitk(volume)
    for index in [(0, 0, 0), tuple(n - 1 for n in volume.grid.shape)]:
        lps = np.array(image.TransformIndexToPhysicalPoint(index))
        np.testing.assert_allclose(lps * [-1, -1, 1], volume.grid.to_world(index), atol=1e-9)
        assert image[index] == volume.data[index]
    origin, spacing, direction = itk_geometry(volume.grid)
    np.testing.assert_allclose(direction.T @ direction, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(spacing, volume.grid.spacing)
    np.testing.assert_allclose(origin * np.array([-1, -1, 1]), volume.grid.to_world([0, 0, 0]))


def test_sheared_grid_gets_right_angles_and_keeps_the_head_in_place() -> None:
    grid = centred_grid((60, 70, 50), (3.0, 3.0, 3.5))
    affine = grid.affine.copy()
    affine[0, 2] = 1.0
    sheared = head(Grid(grid.shape, affine))
    square = orthonormal(sheared)
    direction = square.grid.affine[:3, :3] / square.grid.spacing
    np.testing.assert_allclose(direction.T @ direction, np.eye(3), atol=1e-12)
    truth = head(square.grid).data
    assert np.corrcoef(truth.ravel(), square.data.ravel())[0, 1] > 0.9


def test_implausible_transforms_are_named() -> None:
    fixed = head(centred_grid((40, 46, 36), (4.0, 4.0, 4.0)))
    assert implausible(Transform.identity(), fixed, fixed, None) is None
    assert "mirrors" in str(implausible(Transform(np.diag([-1.0, 1, 1, 1])), fixed, fixed, None))
    assert "scales" in str(implausible(Transform(np.diag([2.0, 1, 1, 1])), fixed, fixed, None))
    assert "turns" in str(implausible(Transform(rigid((0, 0, 90), (0, 0, 0))), fixed, fixed, None))
    assert "overlap" in str(implausible(Transform(rigid((0, 0, 0), (150, 0, 0))), fixed, fixed, None))
    assert "alike" in str(implausible(Transform(rigid((0, 0, 30), (10, 0, 0))), fixed, fixed, None))
    assert "finite" in str(implausible(Transform(np.full((4, 4), np.nan)), fixed, fixed, None))


def test_an_image_without_a_head_is_refused() -> None:
    fixed = head(centred_grid((40, 46, 36), (4.0, 4.0, 4.0)))
    noise = np.random.default_rng(0).normal(100, 10, fixed.grid.shape).astype(np.float32)
    far = Volume(noise[:6, :6, :6], Grid((6, 6, 6), fixed.grid.affine))
    with pytest.raises(ProcessingFailed, match="ants"):
        get_engine("ants").register(fixed, far)


def test_unknown_engine_and_kind() -> None:
    with pytest.raises(EngineMissing, match="choose one of ants"):
        get_engine("elastix")
    grid = centred_grid((10, 10, 10), (8.0, 8.0, 8.0))
    with pytest.raises(EngineMissing, match="choose 'ants'"):
        get_engine("simpleitk").register(head(grid), head(grid), kind="syn")
