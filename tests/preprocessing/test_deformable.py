"""SyN through the step of the chain: files in, both transforms out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Volume, write_volume
from glioscope.preprocessing.steps import align_to_atlas
from glioscope.preprocessing.transform_files import read_transform
from tests.preprocessing.heads import centred_grid, head, intensity

CENTRE, WIDTH_MM, PUSH_MM = np.array([22.0, 30.0, 12.0]), 25.0, np.array([0.0, -9.0, 0.0])


def _pushed(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where in the undeformed head the deformed one shows, as a tumour's mass effect would."""
    near = np.exp(-((points - CENTRE) ** 2).sum(axis=-1, keepdims=True) / WIDTH_MM**2)
    return np.asarray(points + near * PUSH_MM, np.float64)


def test_a_deformation_is_followed_and_its_inverse_leads_back(tmp_path: Path) -> None:
    """Issue 2: `--atlas-transform syn` failed at its very end on the shift of a single point."""
    atlas, grid = head(centred_grid((46, 56, 44), (3.5, 3.5, 3.5))), centred_grid((48, 58, 46), (3.5, 3.5, 3.5))
    moving = Volume(intensity(_pushed(grid.to_world(np.moveaxis(np.indices(grid.shape), 0, -1)))), grid)
    write_volume(tmp_path / "atlas.nii", atlas)
    write_volume(tmp_path / "moving.nii", moving)
    errors = {}
    points = CENTRE + np.array([[0, 0, 0], [8, 0, 0], [0, -8, 0], [0, 0, 8], [-8, 0, 0]], float)
    for kind in ("affine", "syn"):
        ways = {"forward": tmp_path / f"{kind}.h5", "backward": tmp_path / f"{kind}-back.h5"}
        facts = align_to_atlas(
            atlas=tmp_path / "atlas.nii", reference=tmp_path / "moving.nii", engine="ants", kind=kind, seed=0, **ways
        )
        assert facts["rotation_degrees"] < 3
        forward, backward = (read_transform(path) for path in ways.values())
        errors[kind] = np.linalg.norm(_pushed(forward.apply(points)) - points, axis=1).mean()
        np.testing.assert_allclose(backward.apply(forward.apply(points)), points, atol=0.5)

    assert errors["affine"] > 4
    assert errors["syn"] < 0.5 * errors["affine"]
