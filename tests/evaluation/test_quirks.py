"""Each difference between an official protocol and its correction on the smallest map that shows it (docs/protocols.md)."""

from __future__ import annotations

import numpy as np
import pytest

from glioscope.core.errors import InvalidImage
from glioscope.evaluation import PROTOCOLS, evaluate_pair
from tests.evaluation.shapes import Labels, cubes


def both(
    prediction: Labels,
    reference: Labels,
    protocol: str,
    region: str,
    *names: str,
    spacing: tuple[float, float, float] = (1, 1, 1),
) -> list[tuple[float | None, ...]]:
    """The named numbers under the official protocol and under its correction."""
    found = (
        evaluate_pair(prediction, reference, spacing, name).regions[region].values
        for name in (protocol, f"{protocol}-corrected")
    )
    return [tuple(values.get(name) for name in names) for values in found]


def test_misspelt_label_leaves_snfh_at_three_steps() -> None:
    # Eight voxels of background between: three steps from each side do not meet, five do.
    labels = cubes((20, 8, 8), (2, (2, 2, 2), (3, 3, 3)), (2, (13, 2, 2), (3, 3, 3)))
    assert both(labels, labels, "brats-2024-gli", "SNFH", "tp") == [(2,), (1,)]


def test_lesions_join_only_through_the_first_lesion_they_touch() -> None:
    # Two cores and two enhancing lesions in a chain: core 1 touches ET 1 and ET 2, core 2 touches ET 2 alone.
    labels = cubes(
        (40, 8, 8),
        (3, (0, 2, 2), (3, 3, 3)),
        (1, (3, 2, 2), (9, 3, 3)),
        (3, (12, 2, 2), (14, 3, 3)),
        (1, (26, 2, 2), (9, 3, 3)),
    )
    assert both(labels, labels, "brats-2024-gli", "NETC", "tp") == [(2,), (1,)]


def test_a_single_touching_pair_is_not_renumbered() -> None:
    # The first of two cores touches an enhancing lesion. Were it renumbered it would come last, and sensitivity, which is
    # taken on lesion numbers, would be 36 / (36 + 2 x 27).
    labels = cubes((30, 8, 8), (3, (1, 2, 2), (2, 3, 3)), (1, (3, 2, 2), (3, 3, 3)), (1, (20, 2, 2), (3, 3, 4)))
    (official,), (corrected,) = both(labels, labels, "brats-2024-gli", "NETC", "sensitivity")
    assert official == pytest.approx(27 / (27 + 2 * 36))
    assert corrected == 1


def test_rates_are_taken_on_lesion_numbers() -> None:
    # A perfect prediction of two lesions of 27 voxels: 27 x 1 found of 27 x 1 + 27 x 2, and 54 "false" ones.
    labels = cubes((20, 8, 8), (1, (1, 1, 1), (3, 3, 3)), (1, (14, 1, 1), (3, 3, 3)))
    official, corrected = both(labels, labels, "brats-2024-met", "WT", "sensitivity", "specificity")
    background = 20 * 8 * 8 - 27
    assert official == pytest.approx((27 / 81, background / (background + 54)))
    assert corrected == (1, 1)


def test_hd95_is_taken_on_lesion_numbers() -> None:
    # The large lesion is found exactly, but three stray voxels make it the second of the prediction: every corner inside it
    # counts as surface there, and five per cent of that area is three voxels deep or more.
    reference = cubes((30, 16, 16), (1, (14, 2, 2), (11, 11, 11)))
    prediction = reference + cubes((30, 16, 16), (1, (0, 0, 0), (1, 1, 3)))
    assert both(prediction, reference, "brats-2024-met", "WT", "hd95") == [(3,), (0,)]


def test_small_predictions_are_counted_in_voxels() -> None:
    # 20 voxels of 8 mm3 are 160 mm3, well above 50 mm3, and yet taken away.
    reference = cubes((16, 10, 10), (1, (1, 1, 1), (4, 4, 4)))
    prediction = reference + cubes((16, 10, 10), (1, (12, 5, 5), (2, 2, 5)))
    assert both(prediction, reference, "brats-2024-ssa", "WT", "fp", spacing=(2, 2, 2)) == [(0,), (1,)]


def test_whole_volume_scores_forget_small_predictions() -> None:
    reference = cubes((20, 10, 10), (1, (1, 1, 1), (5, 5, 5)))
    prediction = reference + cubes((20, 10, 10), (1, (15, 5, 5), (2, 2, 2)))
    assert both(prediction, reference, "brats-2024-ssa", "WT", "dice", "fp") == [(1, 0), (250 / 258, 0)]


def test_nsd_of_border_voxels_never_reaches_one() -> None:
    labels = cubes((8, 8, 8), (1, (2, 2, 2), (4, 4, 4)))
    (official,), (corrected,) = both(labels, labels, "brats-2024-ssa", "WT", "nsd_1.0")
    assert official == 2 / (2 + 1e-8) < 1
    assert corrected == 1


@pytest.mark.parametrize(
    ("challenge", "region", "official", "corrected"),
    [
        ("2023-gli", "WT", 374, 374),
        ("2024-gli", "WT", 337, 374),
        ("2024-ped", "WT", 374, 374),
        ("2024-met", "WT", 26**0.5 * 2, 14 * 2),
        ("2024-men-rt", "GTV", 26**0.5 * 2, 14 * 2),
    ],
)
def test_penalty_of_a_missed_lesion(challenge: str, region: str, official: float, corrected: float) -> None:
    # The image has 6 x 2 x 8 voxels of 2 x 2 x 3 mm.
    reference = cubes((6, 2, 8), (3 if challenge != "2024-ped" else 1, (0, 0, 0), (4, 2, 6)))
    found = both(np.zeros_like(reference), reference, f"brats-{challenge}", region, "lesion_hd95", "hd95", spacing=(2, 2, 3))
    exact = (6**2 + 2**2 + 8**2) ** 0.5, (12**2 + 4**2 + 24**2) ** 0.5
    if challenge in ("2024-met", "2024-men-rt"):
        official, corrected = exact
    assert found == [pytest.approx((official, official)), pytest.approx((corrected, corrected))]


def test_sensitivity_without_anything_to_find() -> None:
    empty = np.zeros((8, 8, 8), np.uint8)
    prediction = cubes((8, 8, 8), (1, (1, 1, 1), (5, 5, 5)))
    assert both(prediction, empty, "brats-2023-gli", "WT", "sensitivity") == [(0,), (None,)]


def test_scripts_pass_over_labels_of_other_years() -> None:
    labels = cubes((8, 8, 8), (1, (1, 1, 1), (4, 4, 4)), (4, (5, 5, 5), (2, 2, 2)))
    scores = evaluate_pair(labels, labels, (1, 1, 1), "brats-2023-gli")
    assert scores.document()["ignored_labels"] == [4]
    assert scores.regions["WT"].values["reference_volume_mm3"] == 64
    with pytest.raises(
        InvalidImage, match=r"the value 4, which protocol 'brats-2023-gli-corrected' does not know \(it knows 1 NCR"
    ):
        evaluate_pair(labels, labels, (1, 1, 1), "brats-2023-gli-corrected")


def test_any_label_is_the_target_of_radiotherapy() -> None:
    labels = cubes((8, 8, 8), (7, (1, 1, 1), (4, 4, 4)))
    for protocol in ("brats-2024-men-rt", "brats-2024-men-rt-corrected"):
        assert evaluate_pair(labels, labels, (1, 1, 1), protocol).regions["GTV"].values["reference_volume_mm3"] == 64


def test_false_lesions_cost_nothing_in_radiotherapy() -> None:
    reference = cubes((24, 8, 8), (1, (1, 1, 1), (4, 4, 4)))
    prediction = reference + cubes((24, 8, 8), (1, (18, 1, 1), (4, 4, 4)))
    assert both(prediction, reference, "brats-2024-men-rt", "GTV", "lesion_dice", "fp") == [(1, 1), (1, 1)]


def test_every_protocol_has_a_corrected_twin() -> None:
    names = set(PROTOCOLS) - {"general"}
    assert {name for name in names if not name.endswith("-corrected")} == {name.removesuffix("-corrected") for name in names}
    assert len(names) == 20
