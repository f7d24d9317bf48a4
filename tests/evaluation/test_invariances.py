"""What must not change the numbers.

The scripts of 2024 count lesion numbers in place of voxels, and lesions are numbered in the order of the array: their
sensitivity, specificity and HD95 do change under flips. So only the other protocols are held to all of this.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glioscope.evaluation import PROTOCOLS, RegionScores, evaluate_pair, get_protocol
from tests.evaluation.shapes import SHAPE, Labels, cubes, label_maps, spacings

STEADY = ("brats-2023-gli", "brats-2024-gli-corrected", "general")
Spacing = tuple[float, float, float]


def values(prediction: Labels, reference: Labels, spacing: Spacing, protocol: str) -> dict[str, dict[str, float]]:
    scores = evaluate_pair(prediction, reference, spacing, protocol)
    return {name: dict(region.values) for name, region in scores.regions.items()}


def assert_same(
    first: dict[str, dict[str, float]], second: dict[str, dict[str, float]], *, leaving: tuple[str, ...] = ()
) -> None:
    for region, numbers in first.items():
        expected = {name: value for name, value in second[region].items() if name not in leaving}
        assert {name: value for name, value in numbers.items() if name not in leaving} == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("protocol", STEADY)
@settings(max_examples=10)
@given(label_maps(), label_maps(), spacings, st.sampled_from(((0,), (1,), (2,), (0, 2), (0, 1, 2))))
def test_flips(protocol: str, prediction: Labels, reference: Labels, spacing: Spacing, axes: tuple[int, ...]) -> None:
    flipped = values(np.flip(prediction, axes), np.flip(reference, axes), spacing, protocol)
    assert_same(flipped, values(prediction, reference, spacing, protocol))


@pytest.mark.parametrize("protocol", STEADY)
@settings(max_examples=10)
@given(label_maps(), label_maps(), spacings, st.sampled_from(list(permutations(range(3)))))
def test_axis_order(
    protocol: str, prediction: Labels, reference: Labels, spacing: Spacing, order: tuple[int, int, int]
) -> None:
    turned = values(
        prediction.transpose(order),
        reference.transpose(order),
        (spacing[order[0]], spacing[order[1]], spacing[order[2]]),
        protocol,
    )
    assert_same(turned, values(prediction, reference, spacing, protocol))


@pytest.mark.parametrize("protocol", STEADY)
@settings(max_examples=10)
@given(label_maps(), label_maps(), spacings, st.tuples(*[st.tuples(st.integers(0, 7), st.integers(0, 7))] * 3))
def test_padding_and_translation(
    protocol: str, prediction: Labels, reference: Labels, spacing: Spacing, room: tuple[tuple[int, int], ...]
) -> None:
    padded = values(np.pad(prediction, room), np.pad(reference, room), spacing, protocol)
    assert_same(padded, values(prediction, reference, spacing, protocol), leaving=("specificity",))


def test_padding_changes_specificity_and_the_diagonal_only() -> None:
    reference = cubes((12, 12, 12), (1, (1, 1, 1), (5, 5, 5)))
    prediction = cubes((12, 12, 12), (1, (1, 1, 1), (5, 5, 4)))
    small, large = (
        values(np.pad(a, n), np.pad(b, n), (1, 1, 1), "general")["WT"] for n in (0, 4) for a, b in [(prediction, reference)]
    )
    assert small == large  # nothing false: every background voxel is left alone
    missed = [
        evaluate_pair(
            np.zeros((n, 8, 8), np.uint8), cubes((n, 8, 8), (1, (0, 0, 0), (4, 4, 4))), (2, 1, 1), "brats-2024-men-rt-corrected"
        )
        for n in (8, 10)
    ]
    assert [scores.regions["GTV"].values["lesion_hd95"] for scores in missed] == pytest.approx([384**0.5, 528**0.5])


@settings(max_examples=12)
@given(label_maps((1, 2, 4)), label_maps((1, 2, 4)), spacings)
def test_label_numbers_do_not_matter(prediction: Labels, reference: Labels, spacing: Spacing) -> None:
    renumber = np.array([0, 1, 2, 0, 3], np.uint8)
    old = evaluate_pair(prediction, reference, spacing, get_protocol("general", "brats-2021"))
    new = evaluate_pair(renumber[prediction], renumber[reference], spacing, get_protocol("general", "brats-2023"))
    assert old.regions == new.regions


@pytest.mark.parametrize("protocol", ["brats-2023-gli", "brats-2024-gli-corrected", "general"])
@settings(max_examples=10)
@given(label_maps(), label_maps(), spacings)
def test_symmetry(protocol: str, prediction: Labels, reference: Labels, spacing: Spacing) -> None:
    forth, back = values(prediction, reference, spacing, protocol), values(reference, prediction, spacing, protocol)
    for region in forth:
        for name in ("dice", "jaccard", "hd95", "nsd_0.5", "nsd_1.0"):
            assert forth[region].get(name) == pytest.approx(back[region].get(name), abs=1e-12)
        if protocol != "brats-2023-gli":
            assert forth[region].get("sensitivity") == back[region].get("precision")
            assert forth[region]["volume_error_mm3"] == pytest.approx(-back[region]["volume_error_mm3"])


@pytest.mark.parametrize("protocol", PROTOCOLS)
@settings(max_examples=5)
@given(labels=label_maps(), spacing=spacings)
def test_perfect_prediction(protocol: str, labels: Labels, spacing: Spacing) -> None:
    official_2024 = get_protocol(protocol).numbered
    scores = evaluate_pair(labels, labels.copy(), spacing, protocol)
    for name, region in scores.regions.items():
        numbers = region.values
        small = official_2024 and loses_small_lesions(labels, spacing, protocol, name)
        if small:
            continue
        for metric in ("lesion_dice", "dice", "jaccard", "precision", "pq", "sq", "rq"):
            assert numbers.get(metric, 1.0) == 1.0, metric
        for metric in ("lesion_nsd_0.5", "lesion_nsd_1.0", "nsd_0.5", "nsd_1.0"):
            assert numbers.get(metric, 1.0) == pytest.approx(1.0, abs=1e-8), metric
        for metric in ("lesion_hd95", "hd95", "fp", "fn", "volume_error_mm3", "volume_error_relative"):
            assert numbers.get(metric, 0.0) == 0.0, metric
        if not official_2024 or len(region.lesions) < 2:
            assert numbers.get("sensitivity", 1.0) == 1.0
            assert numbers.get("specificity", 1.0) == 1.0


def loses_small_lesions(labels: Labels, spacing: Spacing, protocol: str, region: str) -> bool:
    """Whether a script of 2024 takes lesions from the prediction that the reference keeps."""
    kept = evaluate_pair(labels, labels.copy(), spacing, protocol).regions[region].lesions
    volume = np.isin(labels, get_protocol(protocol).regions[region]).sum() * float(np.prod(spacing))
    return bool(sum(lesion.predicted_volume_mm3 for lesion in kept) < volume - 1e-6)


def test_result_is_finite_everywhere() -> None:
    empty, full = np.zeros(SHAPE, np.uint8), np.ones(SHAPE, np.uint8)
    for protocol in PROTOCOLS:
        for prediction, reference in ((empty, empty), (empty, full), (full, empty), (full, full)):
            regions: dict[str, RegionScores] = dict(evaluate_pair(prediction, reference, (1, 1, 1), protocol).regions)
            assert all(np.isfinite(list(region.values.values())).all() for region in regions.values())
