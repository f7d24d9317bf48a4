"""Categories of response on lesions whose diameters are known."""

from __future__ import annotations

import numpy as np
import pytest

from glioscope.longitudinal import assess_responses, find_lesions
from tests.longitudinal.boxes import Box, boxes, history, volume

BIG: Box = ((5, 5, 5), (20, 16, 4))


def box(width: int, depth: int, height: int = 4, at: tuple[int, int, int] = (5, 5, 5)) -> Box:
    return at, (width, depth, height)


def categories(*exams: list[Box]) -> list[str]:
    return [response.category for response in assess_responses(history([boxes(*exam) for exam in exams]))]


def test_a_measurable_lesion_has_both_diameters_of_10_mm_on_two_slices() -> None:
    def measurable(size: tuple[int, int, int], spacing: tuple[float, float, float] = (1, 1, 1)) -> bool:
        labels = volume(boxes(((5, 5, 5), size)), spacing)
        return find_lesions(labels.data > 0, labels).lesions[1].measurable

    assert measurable((16, 14, 2))
    assert not measurable((16, 14, 1))
    assert not measurable((20, 6, 4))
    assert measurable((16, 14, 2), (1, 1, 5))
    assert not measurable((14, 10, 2), (1, 1, 8))  # a perpendicular below twice the slices' 8 mm
    assert measurable((24, 24, 2), (1, 1, 8))


def test_the_sum_of_products_is_that_of_the_measurable_lesions() -> None:
    small: Box = ((40, 40, 20), (6, 6, 4))
    first = assess_responses(history([boxes(BIG, small), boxes(BIG, small)]))[1]
    lesion = find_lesions(boxes(BIG), volume(boxes(BIG))).lesions[1]
    assert lesion.axial.longest_mm == pytest.approx(np.hypot(20, 16))
    assert first.sum_mm2 == pytest.approx(lesion.product_mm2)
    assert first.targets == (1,)
    assert first.category == "SD"
    assert first.volume_ml == pytest.approx(1.28 + 0.144)


def test_thresholds_on_similar_rectangles() -> None:
    """Rectangles of one shape: the product of diameters goes with the square of the size."""
    start = [box(20, 20)]
    assert categories(start, [box(22, 22)]) == ["baseline", "SD"]  # + 21 %
    assert categories(start, [box(23, 23)]) == ["baseline", "PD"]  # + 32 %
    assert categories(start, [box(15, 15)]) == ["baseline", "SD"]  # - 44 %
    assert categories(start, [box(13, 13)]) == ["baseline", "PR"]  # - 58 %
    assert categories(start, []) == ["baseline", "CR"]


def test_progression_is_told_from_the_nadir_and_response_from_the_baseline() -> None:
    found = assess_responses(history([boxes(b) for b in (box(24, 24), box(15, 15), box(18, 18), box(16, 16))]))
    assert [response.category for response in found] == ["baseline", "PR", "PD", "PR"]
    assert found[2].nadir_mm2 == pytest.approx(found[1].sum_mm2)
    assert "over the nadir" in found[2].rule
    assert found[3].nadir_mm2 == pytest.approx(found[1].sum_mm2)


def test_a_new_lesion_is_progression_where_it_is_measurable() -> None:
    far: Box = ((38, 38, 20), (14, 14, 4))
    tiny: Box = ((38, 38, 20), (5, 5, 4))
    assert categories([BIG], [BIG, far]) == ["baseline", "PD"]
    found = assess_responses(history([boxes(BIG), boxes(BIG, tiny)]))
    assert found[1].category == "SD"
    assert "too small to measure (lesion 2)" in found[1].rule
    assert categories([box(24, 24)], [box(13, 13), tiny]) == ["baseline", "SD"]  # no PR with a new lesion


def test_what_was_too_small_becomes_measurable() -> None:
    assert categories([box(6, 6)], [box(14, 14)]) == ["baseline", "PD"]  # longest 8.5 to 19.8 mm
    assert categories([box(6, 6)], [box(9, 9)]) == ["baseline", "SD"]  # 8.5 to 12.7 mm: less than 5 mm longer
    assert categories([box(6, 6)], [box(9, 9)], [box(12, 12)]) == ["baseline", "SD", "PD"]


def test_a_split_target_is_still_measured() -> None:
    parts: list[Box] = [box(9, 16), ((17, 5, 5), (6, 6, 4))]
    found = assess_responses(history([boxes(BIG), boxes(*parts)]))[1]
    assert found.targets == (1, 2)  # the second is too small to measure on its own
    assert found.sum_mm2 > 0


def test_volume_has_thresholds_of_its_own() -> None:
    taller = assess_responses(history([boxes(box(20, 20, 4)), boxes(box(20, 20, 6))]))[1]
    assert (taller.category, taller.volume_category) == ("SD", "PD")  # the same slice, + 50 % of volume
    lower = assess_responses(history([boxes(box(20, 20, 9)), boxes(box(20, 20, 3))]))[1]
    assert (lower.category, lower.volume_category) == ("SD", "PR")
    third = assess_responses(history([boxes(box(20, 20, 9)), boxes(box(20, 20, 4))]))[1]
    assert third.volume_category == "SD"  # - 56 %


def test_nothing_at_any_time_is_stable_and_says_so() -> None:
    found = assess_responses(history([boxes(), boxes()]))
    assert [response.category for response in found] == ["baseline", "SD"]
    assert "nothing at the baseline" in found[1].rule
    assert categories([], [BIG]) == ["baseline", "PD"]
