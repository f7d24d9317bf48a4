"""Growth, components, touching, surfaces and distances against slow, plain ways to the same answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.distance import cdist

from glioscope.evaluation import ball_distances
from glioscope.evaluation.ball_distances import ball_hd95
from glioscope.evaluation.bits import grow, pack, unpack
from glioscope.evaluation.components import bounding_box, find_components
from glioscope.evaluation.distances import percentile
from glioscope.evaluation.far_distances import far_percentile
from glioscope.evaluation.nearest import nearest
from glioscope.evaluation.panoptic import panoptic_quality
from glioscope.evaluation.reach import Reach, reach_lengths
from glioscope.evaluation.surface import Surface
from glioscope.evaluation.surface_pair import Gap, SurfacePair
from glioscope.evaluation.surfels import area_table, codes_at, corners_of
from glioscope.evaluation.touching import join_chained, join_first, touching_pairs

masks = arrays(np.bool_, st.tuples(st.integers(1, 6), st.integers(1, 6), st.sampled_from((1, 5, 64, 70))))
KERNEL = np.array([[[128, 64], [32, 16]], [[8, 4], [2, 1]]])


@settings(max_examples=30)
@given(masks, st.integers(0, 4))
def test_growth_is_dilation_by_18_neighbours(mask: NDArray[np.bool_], steps: int) -> None:
    expected = ndimage.binary_dilation(mask, ndimage.generate_binary_structure(3, 2), iterations=steps) if steps else mask
    assert np.array_equal(unpack(grow(pack(mask), steps), mask.shape[2]), expected)


@settings(max_examples=30)
@given(masks)
def test_surface_codes(mask: NDArray[np.bool_]) -> None:
    expected = ndimage.correlate(np.pad(mask.astype(np.uint8), ((0, 1),) * 3), KERNEL, mode="constant")
    corners, inside = corners_of(pack(mask, room=1), mask.shape[2])
    assert np.array_equal(corners, np.flatnonzero((expected > 0) & (expected < 255)))
    assert np.array_equal(inside, expected == 255)
    codes, voxels = codes_at(mask, corners)
    assert np.array_equal(codes, expected.ravel()[corners])
    assert mask.ravel()[voxels].all()


def test_areas() -> None:
    table = area_table((1.0, 2.0, 3.0))
    assert np.array_equal(table, table[::-1])  # inside out
    assert table[0] == 0
    flat = {0b11110000: 6, 0b11001100: 3, 0b10101010: 2}  # walls across x, y, z
    assert {code: table[code] for code in flat} == pytest.approx(flat)
    corner = 0.5 * np.linalg.norm(np.cross([0.5, -1, 0], [0.5, 0, -1.5]))  # a triangle through three edges' middles
    assert table[1] == pytest.approx(corner)


def test_area_of_a_large_ball() -> None:
    # Marching cubes on a binary mask overrates a sphere's area by some eight per cent.
    x, y, z = np.ogrid[-22:23, -22:23, -22:23]
    ball = x**2 + y**2 + z**2 <= 20.2**2
    codes, _ = codes_at(ball, corners_of(pack(ball, room=1), ball.shape[2])[0])
    assert area_table((1.0, 1.0, 1.0))[codes].sum() == pytest.approx(4 * np.pi * 20.2**2 * 1.08, rel=0.02)


def planted(seed: int, count: int, shape: tuple[int, int, int]) -> Surface:
    random = np.random.default_rng(seed)
    points = np.sort(random.choice(np.prod(shape), count, replace=False))
    return Surface(shape, points, random.integers(1, 4, count), random.uniform(0.1, 2, count))


def apart(one: Surface, other: Surface, spacing: tuple[float, float, float]) -> NDArray[np.float64]:
    table: NDArray[np.float64] = cdist(one.indices * spacing, other.indices * spacing)
    return table


def slow_hd95(one: Surface, other: Surface, spacing: tuple[float, float, float]) -> float:
    table = apart(one, other, spacing)
    return max(percentile(table.min(axis=1), one.areas), percentile(table.min(axis=0), other.areas))


SPACINGS = pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.6, 1.0, 4.0), (0.125, 0.125, 0.125)])


@SPACINGS
@pytest.mark.parametrize(("mine", "theirs"), [(900, 700), (900, 3), (5, 900), (1200, 1200)])
def test_nearest(mine: int, theirs: int, spacing: tuple[float, float, float]) -> None:
    source, target = planted(1, mine, (30, 12, 14)), planted(2, theirs, (30, 12, 14))
    table = apart(source, target, spacing)
    found = nearest(source, target, spacing)
    assert found.values == pytest.approx(table.min(axis=1), abs=1e-12)
    near = found.ranks < len(found.lengths) - 1
    assert (table.min(axis=1)[~near] > found.lengths[-2]).all()
    for number in (1, 2, 3):
        chosen = found.owners == number
        assert table[chosen][:, target.owners == number].min(axis=1) == pytest.approx(found.values[chosen])
    for tolerance in (0.5, 1.0):
        limited = nearest(source, target, spacing, limit=1.0).within(tolerance)
        assert found.within(tolerance) == limited == pytest.approx(source.areas[table.min(axis=1) <= tolerance].sum())


@SPACINGS
@pytest.mark.parametrize("theirs", [1, 40, 2500])
def test_gap(theirs: int, spacing: tuple[float, float, float]) -> None:
    one, other = planted(3, 2000, (30, 12, 14)), planted(4, theirs, (30, 12, 14))
    pair = SurfacePair(one, other, spacing)
    assert pair.whole.hd95 == pytest.approx(slow_hd95(one, other, spacing), abs=1e-12)
    for lesions, others in ([1], [1]), ([2], [1, 3]):
        some, those = one.take(one.places(lesions)), other.take(other.places(others))
        if not len(those.points):
            assert pair.lesion(lesions, others).hd95 == np.inf
            continue
        assert pair.lesion(lesions, others).hd95 == pytest.approx(slow_hd95(some, those, spacing), abs=1e-12)
    assert pair.lesion([1, 2, 3], [1, 2, 3]) is pair.whole
    assert Gap(nearest(one, one, spacing), nearest(one, one, spacing)).hd95 == 0


@SPACINGS
@pytest.mark.parametrize("theirs", [1, 40, 2500])
@pytest.mark.parametrize("worth", [0, 50_000], ids=["looked up", "balls"])
def test_ball_hd95(worth: int, theirs: int, spacing: tuple[float, float, float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ball_distances, "_WORTH", worth)
    one, other = planted(3, 2000, (30, 12, 14)), planted(4, theirs, (30, 12, 14))
    slow = slow_hd95(one, other, spacing)
    assert ball_hd95(one, other, spacing) == ball_hd95(other, one, spacing) == pytest.approx(slow, abs=1e-12)
    assert ball_hd95(one, one.take(np.zeros(0, np.int64)), spacing) == np.inf


def test_few_points_inside_a_solid() -> None:
    # What lies inside is at no distance, however few points there are and however large the solid is.
    box = np.zeros((40, 40, 40), np.bool_)
    box[5:35, 5:35, 5:35] = True
    points = np.flatnonzero(box)
    solid = Surface(box.shape, points, np.ones_like(points), np.ones(len(points)))
    middle = np.ravel_multi_index((20, 20, 20), box.shape)
    one = Surface(box.shape, np.array([middle]), np.ones(1, np.int64), np.ones(1))
    expected = percentile(apart(solid, one, (1.0, 1.0, 1.0))[:, 0], solid.areas)
    assert ball_hd95(one, solid, (1.0, 1.0, 1.0)) == pytest.approx(expected, abs=1e-12)
    assert ball_distances._one_way(one, solid, (1.0, 1.0, 1.0), 0.0) == 0


@SPACINGS
@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_far_percentile(share: float, spacing: tuple[float, float, float]) -> None:
    one, other = planted(5, 5000, (30, 30, 30)), planted(6, 40, (30, 30, 30))
    distances = apart(one, other, spacing).min(axis=1)
    order = np.argsort(distances)
    goal = share * one.areas.sum()
    expected = distances[order][np.searchsorted(np.cumsum(one.areas[order]), goal)]
    assert far_percentile(one, other, spacing, goal) == pytest.approx(expected, abs=1e-12)
    assert far_percentile(one, other, spacing, goal, least=99.0) == 99


def test_rounding_decides_as_in_the_published_code() -> None:
    # Twenty equal areas: 95 % ends exactly at the nineteenth, whether it is near or far.
    for far in (1, 30):
        points = np.array([0, far])
        source = Surface((64, 1, 1), np.arange(20), np.ones(20, np.int64), np.full(20, 0.1))
        target = Surface((64, 1, 1), points + 20, np.ones(2, np.int64), np.ones(2))
        found = nearest(source, target, (1.0, 1.0, 1.0))
        assert found.hd95() == percentile(np.array(range(20, 0, -1), np.float64), source.areas)
    assert far_percentile(source, target, (1.0, 1.0, 1.0), 1.9) is None


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.6, 1.0, 4.0)])
def test_reach(spacing: tuple[float, float, float]) -> None:
    mask = np.zeros((9, 20, 70), np.bool_)
    mask[3, 4, 2] = mask[8, 19, 66] = True
    distances = ndimage.distance_transform_edt(~mask, sampling=spacing)
    reach = Reach(pack(mask), spacing)
    for length in reach_lengths(spacing)[1][[0, 1, 7, 30, -1]]:
        assert np.array_equal(unpack(reach.within(length), 70), distances <= length + 1e-9)


def test_percentile_is_weighted_by_area() -> None:
    assert percentile(np.array([5.0, 0.0, 9.0]), np.array([1.0, 94.0, 5.0])) == 5
    assert percentile(np.array([5.0, 0.0, 9.0]), np.array([0.9, 94.0, 5.1])) == 9


@settings(max_examples=20)
@given(arrays(np.uint8, (5, 4, 6), elements=st.integers(0, 3)), arrays(np.uint8, (5, 4, 6), elements=st.integers(0, 3)))
def test_touching_pairs(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> None:
    second = np.where(first > 0, 0, second).astype(np.uint8)
    ring = ndimage.generate_binary_structure(3, 2)
    expected = {
        (a, b) for a in range(1, 4) for b in range(1, 4) if (ndimage.binary_dilation(first == a, ring) & (second == b)).any()
    }
    assert touching_pairs(first, second) == expected
    assert touching_pairs(second, first) == {(b, a) for a, b in expected}


def test_joining() -> None:
    numbers = np.array([0, 1, 2, 3, 0])  # the fourth part is left out
    chain = {(1, 1), (1, 2), (2, 2), (4, 1)}
    assert join_chained(numbers, [chain]).tolist() == [0, 1, 1, 2, 0]
    assert join_first(numbers, [chain]).tolist() == [0, 2, 3, 1, 0]
    assert join_first(numbers, [{(1, 1), (2, 1)}]).tolist() == [0, 2, 2, 1, 0]
    assert join_first(numbers, [{(1, 1)}]).tolist() == [0, 1, 2, 3, 0]
    assert join_chained(numbers, [{(1, 1), (2, 1)}, {(2, 5), (3, 5)}]).tolist() == [0, 1, 1, 1, 0]


def test_bounding_box_ends_at_the_image() -> None:
    mask = np.zeros((6, 7, 8), np.bool_)
    assert bounding_box(mask) is None
    mask[1, 3:5, 7] = True
    assert bounding_box(mask, 2) == (slice(0, 4), slice(1, 7), slice(5, 8))


def test_panoptic_quality_compares_components() -> None:
    mask = np.zeros((20, 4, 4), np.bool_)
    mask[1:5, 1:3, 1:3] = mask[12:16, 1:3, 1:3] = True
    other = mask.copy()
    other[14:16] = False  # half of the second component: not above 0.5
    parts = [find_components(item, 3, merge=True) for item in (other, mask)]
    assert panoptic_quality(parts[0], parts[1]) == {"pq": 0.5, "sq": 1.0, "rq": 0.5}
