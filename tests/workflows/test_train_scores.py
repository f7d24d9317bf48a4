"""Held-out exams scored and settings chosen on them, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from glioscope.core import Grid, InvalidImage, get_scheme
from glioscope.postprocessing import Chain, Thresholds
from glioscope.training.recipe import arms, list_recipes, load_recipe
from glioscope.training.recipe_schema import Target
from glioscope.training.scorer import THRESHOLDS, mean_dice
from glioscope.workflows.held_out import HeldOut, _places, best_thresholds, fitted_weights, weighted
from glioscope.workflows.validation_scorer import ValidationScorer, check_scoring, dice_at_thresholds, region_probabilities

REGIONS = Target("regions", "brats-2023", ("WT", "ET"))
LABELS = Target("labels", "brats-2023", ("NCR", "ED", "ET"))


def _row(*values: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(values, np.float32).reshape(-1, 1, 1)


def test_regions_are_scored_from_one_half_up() -> None:
    probabilities = np.stack([_row(0.9, 0.5, 0.4, 0.1), _row(0.9, 0.1, 0.1, 0.1)])
    reference = np.array([3, 2, 2, 0], np.uint8).reshape(-1, 1, 1)
    assert ValidationScorer(REGIONS).dice(probabilities, reference) == {"WT": pytest.approx(0.8), "ET": 1.0}
    np.testing.assert_array_equal(ValidationScorer(REGIONS).labels(probabilities, (1, 1, 1)).ravel(), [3, 2, 0, 0])


def test_labels_are_scored_by_the_likeliest_one() -> None:
    # Each label of WT is below one half, and so is background: the likeliest one counts.
    probabilities = np.stack([_row(0.4, 0.9), _row(0.2, 0.1), _row(0.1, 0), _row(0.3, 0)])
    assert ValidationScorer(LABELS).labels(probabilities, (1, 1, 1)).ravel().tolist() == [0, 0]
    found = region_probabilities(dict(zip(LABELS.names, probabilities[1:], strict=True)), LABELS)
    assert {region: pytest.approx(values.ravel().tolist()) for region, values in found.items()} == {
        "WT": [0.6, 0.1],
        "TC": [0.5, 0.1],
        "ET": [0.3, 0.0],
    }
    chain = Chain((), Thresholds({"WT": 0.55, "TC": 0.55, "ET": 0.5}))
    assert ValidationScorer(LABELS, chain).labels(probabilities, (1, 1, 1)).ravel().tolist() == [2, 0]


def test_dice_at_each_threshold() -> None:
    reference = np.array([3, 3, 0, 0], np.uint8).reshape(-1, 1, 1)
    (found,) = dice_at_thresholds({"ET": _row(0.9, 0.42, 0.3, 0.0)}, reference, get_scheme("brats-2023")).values()
    at = dict(zip(THRESHOLDS, found, strict=True))
    assert at[0.05] == pytest.approx(0.8)  # both and one more
    assert at[0.35] == at[0.4] == 1.0
    assert at[0.45] == pytest.approx(2 / 3)
    assert at[0.95] == 0.0
    assert best_thresholds([{"ET": found}]) == {"ET": 0.4}  # of equal ones that nearest to one half
    assert best_thresholds([{"ET": [1.0] * 19}]) == {"ET": 0.5}


def test_the_score_of_a_fold_is_the_mean_over_regions_of_the_means_over_exams() -> None:
    found = mean_dice([{"WT": 1.0, "ET": 0.5}, {"WT": 0.8, "ET": 0.1}])
    assert found == {"dice": pytest.approx(0.6), "dice_WT": pytest.approx(0.9), "dice_ET": pytest.approx(0.3)}


def test_the_better_run_weighs_more() -> None:
    reference = np.array([3, 3, 0, 0], np.uint8).reshape(-1, 1, 1)
    good, poor = {"ET": _row(1, 1, 0, 0)}, {"ET": _row(0, 0.2, 1, 1)}
    exams = [HeldOut("a", (good, poor), reference, (1, 1, 1))]
    weights = fitted_weights(exams, "brats-2023")
    assert weights["ET"][0] > weights["ET"][1]
    mean = weighted(exams[0], {"ET": (3.0, 1.0)})["ET"].ravel()
    np.testing.assert_allclose(mean, [0.75, 0.8, 0.25, 0.25], rtol=1e-6)


def test_boxes_of_two_runs_are_laid_on_one_lattice() -> None:
    one = Grid((4, 4, 4), np.diag([2.0, 2, 2, 1]))
    moved = one.affine.copy()
    moved[:3, 3] = [-2, 4, 0]
    places = _places("a", [one, Grid((3, 5, 4), moved)])
    assert places == [(slice(1, 5), slice(0, 4), slice(0, 4)), (slice(0, 3), slice(2, 7), slice(0, 4))]
    moved = one.affine.copy()
    moved[0, 3] = 1
    with pytest.raises(InvalidImage, match="different grids, such as for exam 'a'"):
        _places("a", [one, Grid((3, 5, 4), moved)])


@pytest.mark.parametrize("name", list_recipes())
def test_the_rules_of_every_recipe_fit_its_target(name: str) -> None:
    for recipe in arms(load_recipe(name)):
        check_scoring(recipe)
