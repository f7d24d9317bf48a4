"""Measurable lesions, their sum, and foci."""

from __future__ import annotations

import numpy as np
import pytest

from glioscope.core import Volume, get_scheme
from glioscope.measurement import measure

SCHEME = get_scheme("brats-2024-gli")


def with_boxes(*boxes: tuple[int, int, int, int, int, int, int], spacing: tuple[float, float, float] = (1, 1, 1)) -> Volume:
    """Boxes (value, start and stop an axis) on a grid."""
    data = np.zeros((70, 40, 30), np.uint8)
    for value, x0, x1, y0, y1, z0, z1 in boxes:
        data[x0:x1, y0:y1, z0:z1] = value
    return Volume.of(data, np.diag([*spacing, 1.0]))


def test_measurable_lesions_are_summed_and_others_say_why_not() -> None:
    labels = with_boxes((3, 2, 22, 2, 17, 2, 8), (3, 30, 45, 2, 9, 2, 8), (3, 30, 45, 15, 30, 20, 21))
    rano = measure(labels, SCHEME).rano["enhancing"]
    assert [lesion.why_not for lesion in rano.lesions] == ["", "a diameter below 10 mm", "seen on one slice only"]
    first = rano.lesions[0]
    assert first.longest_mm == pytest.approx(25)  # of a rectangle of 20 by 15 mm
    assert rano.sum_mm2 == first.longest_mm * first.perpendicular_mm


def test_thick_slices_ask_for_twice_their_distance() -> None:
    box = (3, 2, 12, 2, 12, 2, 8)
    assert measure(with_boxes(box, spacing=(1, 1, 5)), SCHEME).rano["enhancing"].measurable
    (lesion,) = measure(with_boxes(box, spacing=(1, 1, 8)), SCHEME).rano["enhancing"].lesions
    assert lesion.why_not == "a diameter below 16 mm"


def test_a_lesion_beside_the_cavity_is_marked_and_flair_counts_whole() -> None:
    labels = with_boxes((2, 0, 30, 0, 30, 0, 10), (3, 2, 22, 2, 17, 2, 8), (4, 22, 28, 2, 17, 2, 8))
    rano = measure(labels, SCHEME).rano
    assert rano["enhancing"].lesions[0].beside_cavity
    assert rano["t2_flair"].region == "WT"
    assert rano["t2_flair"].lesions[0].longest_mm == pytest.approx(np.hypot(30, 30), abs=0.9)


def test_regions_that_no_one_determined_are_not_judged() -> None:
    found = measure(with_boxes((1, 2, 9, 2, 9, 2, 9)), SCHEME, known=["WT"])
    assert list(found.rano) == ["t2_flair"]
    assert found.foci is not None
    assert found.foci.region == "WT"


def test_foci_in_one_flair_abnormality_are_multifocal_in_two_multicentric() -> None:
    cores = ((3, 5, 11, 5, 11, 5, 11), (3, 20, 25, 5, 10, 5, 10))
    joined = measure(with_boxes((2, 2, 30, 2, 15, 2, 13), *cores, spacing=(2, 1, 1)), SCHEME).foci
    apart = measure(with_boxes((2, 2, 14, 2, 15, 2, 13), *cores, spacing=(2, 1, 1)), SCHEME).foci
    assert joined is not None
    assert apart is not None
    assert (joined.multifocality, apart.multifocality) == ("multifocal", "multicentric")
    assert joined.gaps_mm == apart.gaps_mm == pytest.approx((18.0,))  # nine voxels of 2 mm between them
    assert measure(with_boxes(cores[0]), SCHEME).foci.multifocality == "single"  # type: ignore[union-attr]
    assert measure(with_boxes(), SCHEME).foci.multifocality == "none"  # type: ignore[union-attr]
