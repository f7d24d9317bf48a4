"""A setting is taken only where it is better than the published one for sure."""

from __future__ import annotations

import numpy as np
import pytest

from glioscope.postprocessing.selection import choose_setting


def test_a_clear_gain_is_taken_and_of_equally_good_settings_the_nearest() -> None:
    published = [0.5, 0.6, 0.7, 0.8]
    better = [0.7, 0.8, 0.9, 1.0]
    choice = choose_setting([published, better, better, [0.0] * 4], [0, 3, 1, 2])
    assert choice.setting == 2
    assert choice.best == 1
    assert choice.gain == pytest.approx(0.2)  # in every exam
    assert choice.error == pytest.approx(0)


def test_a_gain_that_hangs_on_one_exam_is_left() -> None:
    published = [0.5, 0.5, 0.5, 0.5, 0.5]
    lucky = [0.9, 0.5, 0.5, 0.5, 0.5]  # mean gain 0.08, standard error 0.08
    choice = choose_setting([published, lucky], [0, 1])
    assert choice.best == 1
    assert choice.setting == 0
    # Without the first exam nothing is gained by it, with it no more than its error: never chosen.
    assert choice.gain == 0


def test_the_gain_is_that_of_exams_without_a_part_in_the_choice() -> None:
    published = [0.5, 0.5, 0.5]
    rising = [0.6, 0.7, 0.8]
    choice = choose_setting([published, rising], [0, 1])
    # By hand: without any one exam `rising` leads by 0.25, 0.2, 0.15 with errors of 0.05, 0.1, 0.05, so it is chosen each time.
    assert choice.gain == pytest.approx((0.1 + 0.2 + 0.3) / 3)
    assert choice.error == pytest.approx(0.1 / 3**0.5)
    assert choice.setting == 1


@pytest.mark.parametrize("exams", [1, 2])
def test_too_few_exams_keep_the_published_setting(exams: int) -> None:
    choice = choose_setting([[0.1] * exams, [0.9] * exams], [0, 1])
    assert (choice.setting, choice.best) == (0, 1)
    assert np.isnan(choice.error)


def test_where_nothing_is_to_be_gained_chance_is_not_taken_for_it() -> None:
    """Sixty settings that differ by chance alone, judged on exams to come: each one's true mean is that of the published."""
    rng = np.random.default_rng(0)
    left, lost = 0, []
    for _ in range(200):
        exams = rng.normal(0.75, 0.1, size=8)
        table = exams + rng.normal(0, 0.05, size=(60, 8))
        far = np.concatenate([[0.0], rng.uniform(0.5, 3, size=59)])
        choice = choose_setting(table, far)
        left += choice.setting != 0
        lost.append(table[choice.best].mean() - table[0].mean())
    assert np.mean(lost) > 0.03  # what fitting alone would have promised
    assert left < 200 * 0.25  # about one in five: the gains of a cross-validation depend on each other


def test_where_the_published_setting_is_the_best_little_is_lost() -> None:
    rng = np.random.default_rng(2)
    fitted, chosen = [], []
    for _ in range(200):
        true = np.concatenate([[0.0], -np.abs(rng.normal(0, 0.05, size=39))])
        table = rng.normal(0.7, 0.1, size=8) + true[:, None] + rng.normal(0, 0.05, size=(40, 8))
        choice = choose_setting(table, np.concatenate([[0.0], rng.uniform(0.5, 3, size=39)]))
        fitted.append(true[choice.best])
        chosen.append(true[choice.setting])
    assert np.mean(fitted) < -0.005
    assert np.mean(chosen) > np.mean(fitted) / 5


def test_settings_that_are_truly_better_are_found() -> None:
    rng = np.random.default_rng(1)
    gains = []
    for _ in range(100):
        true = np.concatenate([[0.0], rng.normal(-0.05, 0.05, size=38), [0.08]])
        table = rng.normal(0.7, 0.1, size=8) + true[:, None] + rng.normal(0, 0.03, size=(40, 8))
        choice = choose_setting(table, np.concatenate([[0.0], rng.uniform(0.5, 3, size=39)]))
        gains.append(true[choice.setting])
    assert np.mean(gains) > 0.03
    assert np.min(gains) > -0.05
