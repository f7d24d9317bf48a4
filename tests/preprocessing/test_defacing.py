from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from glioscope.core import Grid, ProcessingFailed, Volume
from glioscope.preprocessing.defacing import deface, deface_mask


def head(grid: Grid) -> Volume:
    """A brain of 130 x 170 x 120 mm around the world's origin."""
    world = grid.to_world(np.moveaxis(np.indices(grid.shape), 0, -1))
    return Volume((((world / [65, 85, 60]) ** 2).sum(axis=-1) < 1), grid)


def tilted(spacing: tuple[float, float, float], degrees: float) -> Grid:
    angle = np.radians(degrees)
    affine = np.eye(4)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    affine[:3, :3] = turn @ np.diag(spacing) @ np.diag([-1, 1, 1])
    x, y, z = (int(e / s) for e, s in zip((220, 270, 200), spacing, strict=True))
    affine[:3, 3] = -affine[:3, :3] @ (np.array([x, y, z]) - 1) / 2
    return Grid((x, y, z), affine)


@pytest.mark.parametrize("grid", [tilted((3, 3, 3), 0), tilted((2, 2.5, 6), 17)], ids=["plain", "oblique"])
def test_face_and_ears_go_and_the_rest_stays(grid: Grid) -> None:
    brain = head(grid)
    removed = deface_mask(brain, brain)

    def gone(*point: float) -> bool:
        return bool(removed.data[tuple(np.round(grid.to_index(point)).astype(int))])

    assert gone(0, 105, -30)  # nose
    assert gone(35, 100, -20)  # eye
    assert gone(0, 75, -75)  # mouth
    assert gone(82, 0, -45)  # ear
    assert not gone(0, 95, 50)  # upper forehead
    assert not gone(0, -100, -30)  # back of the head
    assert not gone(0, 0, 75)  # vertex
    distance = ndimage.distance_transform_edt(~brain.data, sampling=grid.spacing)
    assert distance[removed.data].min() > 15


def test_order_of_axes_changes_nothing() -> None:
    brain = head(tilted((4, 4, 4), 5))
    turned = brain.reoriented("PIR")
    again = deface_mask(turned, turned).reoriented(brain.grid.orientation)
    np.testing.assert_array_equal(again.data, deface_mask(brain, brain).data)


def test_removed_voxels_are_zero_and_others_untouched() -> None:
    grid = tilted((5, 5, 5), 0)
    image, brain = Volume(np.full(grid.shape, 7, np.float32), grid), head(grid)
    removed = deface_mask(image, brain)
    out = deface(image, removed)
    assert set(np.unique(out.data[removed.data])) == {0}
    assert set(np.unique(out.data[~removed.data])) == {7}


def test_empty_mask_is_refused() -> None:
    grid = tilted((5, 5, 5), 0)
    with pytest.raises(ProcessingFailed, match="not empty"):
        deface_mask(head(grid), Volume(np.zeros(grid.shape, bool), grid))
