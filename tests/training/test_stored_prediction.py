"""Predictions cut to where something is."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from glioscope.core import Grid
from glioscope.training.recipe_schema import Target
from glioscope.training.stored_prediction import read_prediction, write_prediction


def test_the_box_lies_where_it_was(tmp_path: Path) -> None:
    grid = Grid((40, 40, 40), np.array([[2.0, 0, 0, -5], [0, 1, 0, 7], [0, 0, 3, 0], [0, 0, 0, 1]]))
    probabilities = np.full((3, 40, 40, 40), 0.01, np.float16)  # background, ET, ED
    probabilities[1, 20, 30, 5] = 0.75
    reference = np.zeros((40, 40, 40), np.uint8)
    reference[22, 30, 5] = 3
    target = Target("labels", "brats-2023", ("ET", "ED"))
    write_prediction(tmp_path / "a.npz", probabilities, reference, grid, target)
    found = read_prediction(tmp_path / "a.npz")
    assert list(found.probabilities) == ["ET", "ED"]
    assert found.reference.shape == (27, 22, 18)  # 12 voxels around, as far as the volume goes
    (place,) = np.argwhere(found.reference == 3)
    np.testing.assert_allclose(found.grid.to_world(place), grid.to_world([22, 30, 5]))
    (peak,) = np.argwhere(found.probabilities["ET"] > 0.5)
    np.testing.assert_allclose(found.grid.to_world(peak), grid.to_world([20, 30, 5]))
    assert found.probabilities["ET"].dtype == np.float16


def test_nothing_at_all(tmp_path: Path) -> None:
    empty = np.zeros((1, 8, 8, 8), np.float16)
    target = Target("regions", "brats-2023", ("WT",))
    write_prediction(tmp_path / "a.npz", empty, np.zeros((8, 8, 8), np.uint8), Grid((8, 8, 8), np.eye(4)), target)
    assert not read_prediction(tmp_path / "a.npz").probabilities["WT"].any()
