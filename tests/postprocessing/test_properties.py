"""What holds for every step on every map."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from glioscope.core import InvalidImage
from glioscope.postprocessing import (
    Chain,
    FillHoles,
    KeepLargest,
    LabelStep,
    MinimumVolume,
    Record,
    RemoveDust,
    Size,
    SmallEnhancingToCore,
    Thresholds,
)
from tests.postprocessing.maps import BRATS, label_maps

sizes = st.builds(Size, st.integers(0, 12), st.sampled_from(["mm3", "voxels"]))
tables = st.fixed_dictionaries({"ET": sizes, "TC": sizes, "WT": sizes})
steps: st.SearchStrategy[LabelStep] = st.one_of(
    st.builds(RemoveDust, tables, st.sampled_from([6, 18, 26]), st.booleans()),
    st.builds(FillHoles, tables, st.sampled_from([6, 18, 26])),
    st.builds(SmallEnhancingToCore, sizes),
    st.builds(MinimumVolume, tables),
    st.builds(KeepLargest, st.sampled_from(["ET", "TC", "WT"]), st.integers(1, 3), st.none() | sizes),
)
voxels = st.sampled_from([1.0, 0.3, 4.455])


@given(label_maps(), steps, voxels)
def test_done_twice_is_done_once(labels: NDArray[np.uint8], step: LabelStep, voxel: float) -> None:
    once, _ = step.apply(labels, BRATS, voxel)
    twice, record = step.apply(once, BRATS, voxel)
    np.testing.assert_array_equal(once, twice)
    if not isinstance(step, RemoveDust):
        assert record.changes == ()


@given(label_maps(), steps, voxels, st.permutations([0, 1, 2]), st.sets(st.integers(0, 2)))
def test_turning_the_map_turns_the_result(
    labels: NDArray[np.uint8], step: LabelStep, voxel: float, axes: list[int], flipped: set[int]
) -> None:
    def turned(a: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.flip(a, tuple(flipped)).transpose(axes)

    np.testing.assert_array_equal(turned(step.apply(labels, BRATS, voxel)[0]), step.apply(turned(labels), BRATS, voxel)[0])


@given(label_maps(), steps, voxels, st.integers(1, 3))
def test_background_around_it_changes_nothing(labels: NDArray[np.uint8], step: LabelStep, voxel: float, room: int) -> None:
    padded, _ = step.apply(np.pad(labels, room), BRATS, voxel)
    np.testing.assert_array_equal(padded, np.pad(step.apply(labels, BRATS, voxel)[0], room))


@given(label_maps(), st.lists(steps, max_size=4), voxels)
def test_the_record_rebuilds_the_input(labels: NDArray[np.uint8], chain: list[LabelStep], voxel: float) -> None:
    before = labels.copy()
    found, record = Chain(tuple(chain)).from_labels(labels, BRATS, voxel)
    np.testing.assert_array_equal(labels, before)  # not written to
    np.testing.assert_array_equal(record.undo(found), labels)
    again = Record.of_document(record.document())
    assert again == record
    np.testing.assert_array_equal(again.undo(found), labels)
    for change in record.changes:
        assert change.volume_mm3 == pytest.approx(change.voxels * voxel, abs=1e-3)
    if not record.changes:
        np.testing.assert_array_equal(found, labels)
    else:
        altered = found.copy()
        last = record.changes[-1]
        altered.flat[last.runs[0][0]] = (last.after + 1) % 4
        with pytest.raises(InvalidImage, match="does not belong to this label map"):
            record.undo(altered)


@given(label_maps(), st.lists(steps, max_size=4), voxels)
def test_a_chain_is_its_steps_one_after_the_other(labels: NDArray[np.uint8], chain: list[LabelStep], voxel: float) -> None:
    expected = labels
    for step in chain:
        expected, _ = step.apply(expected, BRATS, voxel)
    np.testing.assert_array_equal(Chain(tuple(chain)).from_labels(labels, BRATS, voxel)[0], expected)


@given(label_maps(), tables, voxels)
def test_no_dust_is_left(labels: NDArray[np.uint8], table: dict[str, Size], voxel: float) -> None:
    from scipy import ndimage

    found, _ = RemoveDust(table).apply(labels, BRATS, voxel)
    for region, size in table.items():
        parts, count = ndimage.label(np.isin(found, BRATS.regions[region]), np.ones((3, 3, 3)))
        for n in range(1, count + 1):
            voxel_count = int((parts == n).sum())
            assert voxel_count > (size.value if size.unit == "voxels" else size.value / voxel - 1e-6)


@given(st.integers(0, 2**32 - 1), st.tuples(*[st.integers(1, 19)] * 3))
def test_higher_thresholds_never_add_to_a_region(seed: int, steps_of_20: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(seed)
    maps = {r: rng.random((3, 4, 5), np.float32) for r in ("WT", "TC", "ET")}
    low = dict(zip(("WT", "TC", "ET"), (n / 20 for n in steps_of_20), strict=True))
    first = Thresholds(low).apply(maps, BRATS)
    for region, value in low.items():
        second = Thresholds({**low, region: min(1, value + 0.2)}).apply(maps, BRATS)
        for name, values in BRATS.regions.items():
            assert not (np.isin(second, values) & ~np.isin(first, values)).any(), name
    assert set(np.unique(first)) <= {0, 1, 2, 3}
