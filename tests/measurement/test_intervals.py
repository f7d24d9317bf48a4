"""Intervals of volumes from voxel-wise probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glioscope.core import Volume, get_scheme
from glioscope.measurement import (
    VolumeEvidence,
    Widening,
    chance_of_at_least,
    consistent,
    label_interval,
    label_parts,
    measure,
    volume_interval,
)

SCHEME = get_scheme("brats-2023")


def test_the_interval_counts_voxels_that_are_all_but_sure_and_all_that_are_possible() -> None:
    probability = np.array([1, 0.98, 0.97, 0.5, 0.03, 0.02, 0], np.float32)
    assert volume_interval(probability, 2.0) == (4.0, 10.0)


def test_the_chance_of_a_volume_is_the_probability_of_the_voxel_that_completes_it() -> None:
    probability = np.array([0.9, 0.6, 0.3, 0, 0], np.float32)
    chances = [chance_of_at_least(volume, probability, 0.1) for volume in (0, 0.1, 0.2, 0.25, 0.3, 0.4)]
    assert chances == pytest.approx([1, 0.9, 0.6, 0.3, 0.3, 0])


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=60))
def test_the_mean_volume_is_the_sum_of_probabilities(values: list[float]) -> None:
    """The integral of the chance over the volume is the expected volume, whatever the voxels' dependence."""
    probability = np.array(values, np.float32)
    chances = [chance_of_at_least(n, probability, 1.0) for n in range(1, len(values) + 1)]
    assert sum(chances) == pytest.approx(probability.sum(dtype=np.float64), abs=1e-4)
    low, high = volume_interval(probability, 1.0)
    assert low <= (probability >= 0.5).sum() <= high


def test_labels_are_differences_of_nested_regions() -> None:
    parts = {"NCR": ("TC", "ET"), "ED": ("WT", "TC"), "ET": ("ET", None)}
    assert label_parts(("WT", "TC", "ET"), SCHEME) == parts
    assert label_parts(("WT",), SCHEME) == {}
    assert label_parts(("WT", "TC", "ET", "RC"), get_scheme("brats-2024-gli"))["RC"] == ("RC", None)


def test_the_interval_of_a_label_goes_by_one_threshold_for_both_regions() -> None:
    outer = np.array([1, 1, 1, 0.6, 0.2, 0], np.float32)
    inner = np.array([1, 0.8, 0.1, 0.3, 0, 0.9], np.float32)  # the last lies in no outline of the region around it
    # up to 0.1: 5 - 4; to 0.2: 5 - 3; to 0.3: 4 - 3; to 0.6: 4 - 2; to 0.8: 3 - 2; above: 3 - 1
    assert label_interval(outer, inner, 2.0) == (2.0, 4.0)
    assert label_interval(outer, None, 2.0) == (6.0, 10.0)


def test_what_is_possible_goes_to_the_lesion_it_hangs_on() -> None:
    labels = np.zeros((30, 8, 8), np.uint8)
    labels[2:7, 2:6, 2:6] = 3  # 80 mm3
    labels[20:24, 2:6, 2:6] = 3  # 64 mm3
    probability = (labels > 0).astype(np.float32)
    probability[2, 2, 2] = 0.9  # one voxel of the first is not sure …
    probability[7:9, 2:6, 2:6] = 0.2  # … and 32 beside it are possible
    probability[13, 1, 1] = 0.4  # hangs on none
    evidence = VolumeEvidence("probabilities", ("a",), {"ET": probability})
    found = measure(Volume.of(labels, np.eye(4)), SCHEME, evidence=evidence)
    first, second = (lesion.interval_ml for lesion in found.lesions["ET"])
    assert first == pytest.approx((0.079, 0.112))
    assert second == pytest.approx((0.064, 0.064))
    assert found.regions["ET"].interval_ml == pytest.approx((0.143, 0.177))
    assert found.regions["WT"].interval_ml is None


def test_without_evidence_there_is_no_interval_and_it_is_said() -> None:
    found = measure(Volume.of(np.ones((3, 3, 3), np.uint8), np.eye(4)), SCHEME).document()
    assert found["regions"]["WT"]["volume_interval_ml"] is None
    assert found["volume_intervals"]["source"].startswith("No interval")


def test_intervals_are_widened_where_the_segmenter_was_measured() -> None:
    probability = np.zeros((10, 10, 10), np.float32)
    probability[:, :, :2], probability[:, :, 2:4] = 1, 0.5
    widening = Widening({"ET": 2.0}, 10, "10 exams")
    evidence = VolumeEvidence(
        "probabilities", ("a",), {"ET": probability, "TC": probability}, parts={"ET": ("ET", None)}, widening=widening
    )
    labels = np.where(probability == 1, 3, 0).astype(np.uint8)
    found = measure(Volume.of(labels, np.eye(4)), SCHEME, evidence=evidence)
    # voxel-wise 0.2 to 0.4 ml; with 0.2 ml added 0.4 to 0.6, and by 2 wider 0.2 to 1.2
    assert found.regions["ET"].interval_ml == pytest.approx((0.0, 1.0))
    assert found.labels_interval_ml["ET"] == pytest.approx((0.0, 1.0))
    assert found.lesions["ET"][0].interval_ml == pytest.approx((0.0, 1.0))
    assert found.regions["TC"].interval_ml is None  # no factor was measured for it
    told = found.document()["volume_intervals"]
    assert told["percent"] == 90
    assert told["widened_by"] == {"ET": 2.0}
    assert "on 10 exams (factors: ET 2.00)" in told["rule"]


def test_what_cannot_be_is_cut_off() -> None:
    regions = {"WT": (50.0, 100.0), "TC": (20.0, 150.0), "ET": (30.0, 40.0)}
    labels = {"NCR": (0.0, 90.0), "ED": (1.0, 1000.0), "ET": (25.0, 60.0)}
    parts = label_parts(regions, SCHEME)
    cut, found = consistent(regions, labels, parts, SCHEME)
    # the core holds the 30 ml that enhance, and is no larger than the whole
    assert cut == {"WT": (50.0, 100.0), "TC": (30.0, 100.0), "ET": (30.0, 40.0)}
    assert found == {"NCR": (0.0, 70.0), "ED": (1.0, 70.0), "ET": (30.0, 40.0)}
    apart = {"WT": (0.0, 5.0), "TC": (8.0, 9.0)}  # contradict each other: left as they are
    assert consistent(apart, {}, label_parts(apart, SCHEME), SCHEME)[0] == apart
