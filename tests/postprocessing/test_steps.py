"""Each step on maps small enough to do by hand."""

from __future__ import annotations

import numpy as np
import pytest

from glioscope.core import SCHEMES, InvalidImage
from glioscope.postprocessing import FillHoles, KeepLargest, MinimumVolume, RemoveDust, Size, SmallEnhancingToCore
from tests.postprocessing.maps import BRATS, flat, slab


def test_dust_goes_and_its_holes_close_in_the_published_order() -> None:
    labels = slab(
        "2222222222....",
        "2111122222....",
        "2131122322..1.",  # ET of one voxel in the core, another in the oedema; core of one voxel outside
        "2111122222....",
        "2222222222...2",  # oedema of one voxel outside
    )
    labels[:, 10:, ::2] = 0
    labels[1:4, 1:5, [0, 2]] = 1  # the core's lid
    found, record = RemoveDust({"ET": Size(1), "TC": Size(1), "WT": Size(1)}).apply(labels, BRATS)
    expected = labels.copy()
    expected[2, 2, 1] = 1  # the hole in TC is NCR
    expected[2, 7, 1] = 2  # the hole in WT is ED
    expected[2, 12, 1] = expected[4, 13, 1] = 0
    np.testing.assert_array_equal(found, expected)
    told = [(c.region, c.after, c.voxels) for c in record.changes]
    assert told == [("ET", 0, 1), ("ET", 0, 1), ("TC", 1, 1), ("TC", 0, 1), ("WT", 2, 1), ("WT", 0, 1)]
    np.testing.assert_array_equal(record.undo(found), labels)


def test_without_filling_the_holes_stay() -> None:
    labels = slab("22222", "22322", "22222")
    found, _ = RemoveDust({"ET": Size(1), "WT": Size(1)}, fill=False).apply(labels, BRATS)
    assert found[1, 2, 1] == 0
    assert RemoveDust({"ET": Size(1), "WT": Size(1)}).apply(labels, BRATS)[0][1, 2, 1] == 2


def test_a_hole_that_was_there_before_is_not_filled_by_dust_removal() -> None:
    labels = slab("222222", "2.22.2", "222222")
    labels[1, 3, 1] = 3
    found, _ = RemoveDust({"ET": Size(1), "TC": Size(1), "WT": Size(1)}).apply(labels, BRATS)
    assert found[1, :, 1].tolist() == [2, 0, 2, 2, 0, 2]


def test_the_size_itself_is_dust_and_one_voxel_more_is_not() -> None:
    labels = flat("333.3333")
    found, _ = RemoveDust({"ET": Size(3, "voxels")}).apply(labels, BRATS)
    assert found.ravel().tolist() == [0, 0, 0, 0, 3, 3, 3, 3]


def test_mm3_and_voxels_on_an_anisotropic_grid() -> None:
    labels = flat("333.3333")
    voxel = 0.9 * 0.9 * 5.5  # 4.455 mm3: three voxels are 13.365 mm3
    for size, left in ((Size(13.365), 4), (Size(13.36), 7), (Size(3, "voxels"), 4), (Size(2, "voxels"), 7), (Size(0), 7)):
        found, record = RemoveDust({"ET": size}).apply(labels, BRATS, voxel)
        assert (found == 3).sum() == left, size
        assert sum(c.volume_mm3 for c in record.changes) == pytest.approx((7 - left) * voxel, abs=1e-3)


def test_connectivity() -> None:
    diagonal = flat("3..", ".3.", "..3")
    assert RemoveDust({"ET": Size(1)}, connectivity=26).apply(diagonal, BRATS)[0].sum() == 9
    assert RemoveDust({"ET": Size(1)}, connectivity=6).apply(diagonal, BRATS)[0].sum() == 0
    with pytest.raises(InvalidImage, match="Connectivity is 6, 18 or 26, not 4"):
        RemoveDust({"ET": Size(1)}, connectivity=4)


def test_holes_are_filled_up_to_a_size_and_other_labels_in_them_stay() -> None:
    gli = SCHEMES["brats-2024-gli"]  # 4 is the resection cavity, no part of WT
    labels = slab("22222222222", "2.2..224422", "22222222222")
    filled, record = FillHoles({"WT": Size(1)}).apply(labels, gli)
    assert filled[1, :, 1].tolist() == [2, 2, 2, 0, 0, 2, 2, 4, 4, 2, 2]
    assert [(c.after, c.voxels) for c in record.changes] == [(2, 1)]
    assert FillHoles({"WT": Size(2)}).apply(labels, gli)[0][1, :, 1].tolist() == [2, 2, 2, 2, 2, 2, 2, 4, 4, 2, 2]


def test_what_is_open_at_the_edge_of_the_volume_is_no_hole() -> None:
    labels = np.full((5, 5, 5), 2, np.uint8)
    labels[2, 2, 3:] = 0
    np.testing.assert_array_equal(FillHoles({"WT": Size(100)}).apply(labels, BRATS)[0], labels)
    labels[2, 2, 4] = 2
    assert FillHoles({"WT": Size(100)}).apply(labels, BRATS)[0].all()


def test_a_hole_in_the_core_is_core_before_one_in_the_whole_is_oedema() -> None:
    labels = np.full((7, 7, 7), 2, np.uint8)
    labels[1:6, 1:6, 1:4] = 1
    labels[3, 3, 2] = labels[3, 3, 5] = 0
    found, _ = FillHoles({"WT": Size(1), "TC": Size(1)}).apply(labels, BRATS)
    assert (found[3, 3, 2], found[3, 3, 5]) == (1, 2)


@pytest.mark.parametrize(("scheme", "et", "core"), [("brats-2021", 4, 1), ("brats-2023", 3, 1), ("brats-ped", 1, 2)])
def test_little_et_becomes_core(scheme: str, et: int, core: int) -> None:
    labels = np.zeros((4, 3, 2), np.uint8)
    labels[0, 0, 0] = labels[2, 2, 1] = et
    step = SmallEnhancingToCore(Size(3, "voxels"))
    assert step.apply(labels, SCHEMES[scheme])[0][2, 2, 1] == core
    labels[1, 1, 1] = et  # as much as asked for
    np.testing.assert_array_equal(step.apply(labels, SCHEMES[scheme])[0], labels)
    assert (SmallEnhancingToCore(Size(3.1)).apply(labels, SCHEMES[scheme], 1.0)[0] == core).sum() == 3
    assert (SmallEnhancingToCore(Size(3.1)).apply(labels, SCHEMES[scheme], 1.1)[0] == et).sum() == 3


def test_a_region_below_its_minimum_is_emptied_smallest_first() -> None:
    labels = flat("33", "11", "22")
    sizes = {"WT": Size(3), "TC": Size(3), "ET": Size(3)}
    assert not MinimumVolume(sizes).apply(labels, BRATS)[0].any()  # ET goes, then TC has 2 left, then WT 2
    assert MinimumVolume({"ET": Size(2), "TC": Size(4), "WT": Size(6)}).apply(labels, BRATS)[0].all()
    assert MinimumVolume({"TC": Size(5)}).apply(labels, BRATS)[0].ravel().tolist() == [0, 0, 0, 0, 2, 2]


def test_keep_largest() -> None:
    labels = flat("2222.13.333.2")
    for count, left in (
        (1, "2222........."),
        (2, "2222....333.."),
        (3, "2222.13.333.."),
        (4, "2222.13.333.2"),
        (9, "2222.13.333.2"),
    ):
        found, record = KeepLargest("WT", count).apply(labels, BRATS)
        np.testing.assert_array_equal(found, flat(left))
        np.testing.assert_array_equal(record.undo(found), labels)
    np.testing.assert_array_equal(KeepLargest("WT", spare=Size(2, "voxels")).apply(labels, BRATS)[0], flat("2222.13.333.."))
    np.testing.assert_array_equal(KeepLargest("WT", spare=Size(6)).apply(labels, BRATS, 2.0)[0], flat("2222....333.."))
    np.testing.assert_array_equal(KeepLargest("ET").apply(labels, BRATS)[0], flat("2222.1..333.2"))
    with pytest.raises(InvalidImage, match="at least 1 component"):
        KeepLargest("WT", 0)


def test_equal_components_stay_together() -> None:
    np.testing.assert_array_equal(KeepLargest("WT").apply(flat("22.1.22"), BRATS)[0], flat("22...22"))


@pytest.mark.parametrize("step", [RemoveDust({"ET": Size(5)}), FillHoles({"WT": Size(5)}), MinimumVolume({"WT": Size(5)})])
def test_bad_maps_cost_a_sentence(step: RemoveDust) -> None:
    with pytest.raises(InvalidImage, match="has the value 7, which scheme 'brats-2023' does not define"):
        step.apply(np.full((2, 2, 2), 7, np.uint8), BRATS)
    with pytest.raises(InvalidImage, match="does not define"):
        step.apply(np.full((2, 2, 2), 257), BRATS)
    with pytest.raises(InvalidImage, match="three axes, this one has 2"):
        step.apply(np.ones((2, 2), np.uint8), BRATS)
    with pytest.raises(InvalidImage, match="has no region"):
        step.apply(np.ones((2, 2, 2), np.uint8), SCHEMES["residual"])


@pytest.mark.parametrize("value", [-1, float("inf"), float("nan"), True, "50"])
def test_a_size_is_a_number_from_0_on(value: float) -> None:
    with pytest.raises(InvalidImage, match="A size is a number from 0 on"):
        Size(value)
