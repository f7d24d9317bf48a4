"""Lesions that come, go, grow, shrink, split and merge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from glioscope.core import Grid, Transform, Volume
from glioscope.longitudinal import History, find_lesions, in_baseline, trace_lesions
from tests.longitudinal.boxes import Box, boxes, history

A: Box = ((5, 5, 5), (10, 10, 6))  # 600 mm3
B: Box = ((30, 30, 20), (8, 8, 5))  # 320 mm3


def told(found: History) -> list[tuple[int, str, tuple[int, ...], tuple[int, ...]]]:
    return [(change.time, change.event, change.before, change.after) for change in found.changes]


@pytest.mark.parametrize(
    ("later", "event"),
    [
        (((5, 5, 5), (10, 10, 7)), "stable"),  # + 17 %
        (((5, 5, 5), (10, 15, 5)), "grew"),  # 750 mm3, exactly + 25 %
        (((5, 5, 5), (10, 15, 3)), "shrank"),  # 450 mm3, exactly - 25 %
        (((5, 5, 5), (10, 10, 5)), "stable"),  # - 17 %
    ],
)
def test_a_lesion_is_judged_by_its_volume(later: Box, event: str) -> None:
    found = history([boxes(A), boxes(later)])
    assert told(found) == [(1, event, (1,), (1,))]
    volume = float(np.prod(later[1]))
    assert found.changes[0].percent == pytest.approx(100 * (volume / 600 - 1))


def test_a_lesion_goes_another_appears_and_the_first_comes_back() -> None:
    found = history([boxes(A), boxes(B), boxes(A, B)])
    assert told(found) == [
        (1, "gone", (1,), ()),
        (1, "appeared", (), (2,)),
        (2, "recurred", (), (1,)),
        (2, "stable", (2,), (2,)),
    ]


def test_a_lesion_splits_and_its_parts_merge_again() -> None:
    bar: Box = ((10, 10, 10), (30, 10, 6))
    parts: tuple[Box, Box] = (((10, 10, 10), (16, 10, 6)), ((28, 10, 10), (12, 10, 6)))
    found = history([boxes(bar), boxes(*parts), boxes(bar), boxes(B)])
    assert told(found) == [
        (1, "split", (1,), (1, 2)),
        (2, "merged", (1, 2), (1,)),
        (3, "gone", (1,), ()),
        (3, "appeared", (), (3,)),
    ]
    first, second = found.changes[:2]
    assert [first.before_ml, first.after_ml] == pytest.approx([1.8, 1.68])
    assert second.percent == pytest.approx(100 * (1.8 / 1.68 - 1))
    assert found.names[1] == {1: 1, 2: 2}  # the larger part keeps the name
    assert found.parents[1] == {1: (1,), 2: (1,)}
    assert found.parents[2] == {1: (1, 2)}


def test_two_that_become_two_others_are_regrouped() -> None:
    before = boxes(((10, 10, 10), (30, 4, 6)), ((10, 18, 10), (30, 4, 6)))
    after = boxes(((10, 10, 10), (10, 12, 6)), ((30, 10, 10), (10, 12, 6)))
    assert told(history([before, after])) == [(1, "regrouped", (1, 2), (1, 2))]


def test_less_than_a_tenth_of_overlap_is_no_correspondence() -> None:
    old: Box = ((5, 5, 5), (10, 10, 6))
    stays: Box = ((5, 5, 5), (10, 10, 3))  # so that the old lesion has a partner
    nine_layers: Box = ((14, 5, 9), (11, 10, 6))  # shares 1 x 10 x 2 voxels of its 660
    assert told(history([boxes(old), boxes(stays, nine_layers)])) == [
        (1, "shrank", (1,), (1,)),
        (1, "appeared", (), (2,)),
    ]
    deep: Box = ((13, 5, 9), (7, 10, 2))  # shares 2 x 10 x 2 of its 140 voxels: more than a tenth
    assert told(history([boxes(old), boxes(stays, deep)])) == [(1, "split", (1,), (1, 2))]


def test_what_is_left_of_a_lesion_is_not_gone_however_small() -> None:
    left: Box = ((8, 8, 8), (2, 2, 2))  # 8 mm3, below the 50 mm3 of a lesion
    assert told(history([boxes(A), boxes(left)])) == [(1, "shrank", (1,), (1,))]
    assert told(history([boxes(B), boxes(B, left)])) == [(1, "stable", (1,), (1,))]  # elsewhere it is no lesion
    half: Box = ((5, 5, 5), (5, 10, 6))
    assert told(history([boxes(A), boxes(half, ((12, 8, 8), (2, 2, 2)))])) == [(1, "shrank", (1,), (1,))]  # a crumb


def test_lesions_that_miss_each_other_by_a_voxel_are_the_same() -> None:
    small: Box = ((20, 20, 20), (4, 4, 4))
    assert told(history([boxes(small), boxes(((25, 20, 20), (4, 4, 4)))])) == [(1, "stable", (1,), (1,))]
    assert len(told(history([boxes(small), boxes(((29, 20, 20), (4, 4, 4)))]))) == 2  # 6 mm apart: gone and new


def _moved(masks: list[NDArray[np.bool_]], flips: tuple[bool, bool, bool], shift: tuple[int, int, int]) -> History:
    axes = tuple(axis for axis in range(3) if flips[axis])
    affine = np.diag([1.0, 2.0, 1.5, 1.0])
    volumes = []
    for mask in masks:
        data = np.flip(np.roll(mask, shift, (0, 1, 2)), axes).astype(np.uint8)
        volumes.append(Volume.of(np.ascontiguousarray(data), affine))
    maps = [find_lesions(v.data > 0, v) for v in volumes]
    grid = volumes[0].grid
    return trace_lesions(maps, [in_baseline(m.numbers, grid) for m in maps], grid)


@settings(max_examples=6)
@given(st.tuples(st.booleans(), st.booleans(), st.booleans()), st.tuples(*[st.integers(0, 12)] * 3))
def test_translations_and_flips_change_nothing(flips: tuple[bool, bool, bool], shift: tuple[int, int, int]) -> None:
    masks = [
        boxes(A, B),
        boxes(((5, 5, 5), (4, 10, 6)), ((11, 5, 5), (3, 9, 6)), B),
        boxes(((5, 5, 5), (9, 10, 6)), ((30, 28, 20), (8, 14, 5))),
    ]
    plain, moved = _moved(masks, (False, False, False), (0, 0, 0)), _moved(masks, flips, shift)
    assert told(plain) == [
        (1, "split", (1,), (1, 3)),
        (1, "stable", (2,), (2,)),
        (2, "merged", (1, 3), (1,)),
        (2, "grew", (2,), (2,)),
    ]
    assert told(moved) == told(plain)
    for one, other in zip(plain.maps, moved.maps, strict=True):
        assert [v.volume_ml for v in one.lesions.values()] == pytest.approx([v.volume_ml for v in other.lesions.values()])
        assert [v.product_mm2 for v in one.lesions.values()] == pytest.approx([v.product_mm2 for v in other.lesions.values()])


def test_a_follow_up_on_an_oblique_grid_of_thick_slices_is_brought_to_the_baseline() -> None:
    data = boxes(A, B).astype(np.uint8)
    base = Volume.of(data, np.eye(4))
    angle = np.deg2rad(12)
    pose = np.array([[np.cos(angle), -np.sin(angle), 0, 7], [np.sin(angle), np.cos(angle), 0, -4], [0, 0, 1, 3], [0, 0, 0, 1]])
    grid = Grid((70, 70, 14), np.array([[1.2, 0, 0, -20], [0, 1.3, 0, -10], [0, 0, 4.0, 0], [0, 0, 0, 1]]))
    index = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
    there = np.rint(Transform(np.linalg.inv(pose)).apply(grid.to_world(index))).astype(int)
    inside = ((there >= 0) & (there < np.array(data.shape))).all(axis=-1)
    late = np.zeros(grid.shape, np.uint8)
    late[inside] = data[tuple(there[inside].T)]
    follow = Volume(late, grid)
    maps = [find_lesions(v.data > 0, v) for v in (base, follow)]
    placed = [in_baseline(maps[0].numbers, base.grid), in_baseline(maps[1].numbers, base.grid, Transform(pose))]
    found = trace_lesions(maps, placed, base.grid)
    assert [(before, after) for _, _, before, after in told(found)] == [((1,), (1,)), ((2,), (2,))]
    assert ((placed[1] == 1) & (placed[0] == 1)).sum() > 0.75 * 600


def test_a_piece_between_the_voxels_of_a_coarse_baseline_is_not_lost() -> None:
    fine = Volume.of(boxes(((11, 11, 11), (2, 2, 2)), shape=(30, 30, 30)).astype(np.int32), np.eye(4))
    coarse = Grid((6, 6, 6), np.diag([5.0, 5.0, 5.0, 1.0]))
    placed = in_baseline(fine, coarse)
    assert np.argwhere(placed).tolist() == [[2, 2, 2]]
