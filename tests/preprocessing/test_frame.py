from __future__ import annotations

import numpy as np

from glioscope.core import Grid, Transform
from glioscope.preprocessing.steps import _after, _frame


def test_the_frame_has_the_grids_axes_and_its_centre() -> None:
    angle = np.radians(25)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]) * [1, 2, 5]
    affine[:3, 3] = [30, -20, 7]
    grid = Grid((3, 5, 7), affine)

    framed = _frame(grid) @ affine

    assert np.allclose(framed[:3, :3], np.diag([1, 2, 5]))
    assert np.allclose(framed @ [1, 2, 3, 1], [0, 0, 0, 1])


def test_a_displacement_after_a_change_of_world_is_what_it_is_in_that_world() -> None:
    random = np.random.default_rng(0)
    frame = _frame(Grid((9, 9, 9), np.array([[0, -1.0, 0, 8], [1, 0, 0, -2], [0, 0, 1, 3], [0, 0, 0, 1]])))
    inner = Grid((6, 6, 6), np.diag([2.0, 2, 2, 1]))
    displaced = Transform(np.diag([1.1, 0.9, 1, 1]), random.normal(size=(6, 6, 6, 3)).astype(np.float32), inner)
    points = random.uniform(2, 8, (20, 3))
    world = Transform(np.asarray(np.linalg.inv(frame), np.float64)).apply(points)

    assert np.allclose(_after(frame, displaced).apply(world), displaced.apply(points), atol=1e-5)
