"""Weights fitted on exams with a reference, and the file they are kept in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from glioscope.core import SCHEMES, InputUnreadable, InvalidImage
from glioscope.fusion import FusionWeights, fit_probability_weights, fit_weights, fuse_labels
from tests.fusion.maps import Labels, ball

SCHEME = SCHEMES["brats-2023"]
RATERS = ("noisy", "good", "blind")


def exam(seed: int) -> tuple[list[Labels], Labels]:
    """One rater finds all but the enhancing tumour, one confuses it, one sees nothing."""
    rng = np.random.default_rng(seed)
    shape = (24, 22, 20)
    truth = np.zeros(shape, np.uint8)
    truth[ball(shape, (12, 11, 10), 8)] = 2
    truth[ball(shape, (12, 11, 10), 5)] = 1
    truth[ball(shape, (12, 11, 10), 3)] = 3
    noise = rng.random(shape) < 0.3
    noisy = np.where(noise, rng.integers(0, 4, shape), truth).astype(np.uint8)
    return [noisy, truth, np.zeros(shape, np.uint8)], truth


def test_the_good_rater_decides() -> None:
    fitted = fit_weights([exam(seed) for seed in range(3)], RATERS, SCHEME)
    assert set(fitted.weights) == {"NCR", "ED", "ET"}
    for name, dice in fitted.fitted["dice"].items():
        assert dice["fitted_weights"] == 1.0
        assert dice["equal_weights"] < 1.0
        noisy, good, blind = fitted.weights[name]
        assert good == 1.0
        assert noisy + blind <= good + 1e-9
    maps, truth = exam(99)
    done = fuse_labels(maps, SCHEME, "weighted", weights=fitted.of(RATERS))
    np.testing.assert_array_equal(done.labels, truth)


def test_equal_raters_keep_equal_weights() -> None:
    maps, truth = exam(0)
    fitted = fit_weights([([truth, truth, truth], truth)], RATERS, SCHEME, by="regions")
    assert fitted.weights == {"WT": (1.0,) * 3, "TC": (1.0,) * 3, "ET": (1.0,) * 3}
    assert maps[0].shape == truth.shape


def test_the_order_of_raters_changes_no_weight() -> None:
    exams = [exam(seed) for seed in range(2)]
    plain = fit_weights(exams, RATERS, SCHEME)
    turned = fit_weights([(maps[::-1], truth) for maps, truth in exams], RATERS[::-1], SCHEME)
    for name in plain.weights:
        assert plain.of(RATERS)[name] == turned.of(RATERS)[name]


def test_weights_of_probabilities() -> None:
    def told(seed: int) -> tuple[list[dict[str, np.ndarray]], Labels]:
        maps, truth = exam(seed)
        regions = {"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,)}
        return [{r: 0.9 * np.isin(one, v) for r, v in regions.items()} for one in maps[:2]], truth

    fitted = fit_probability_weights([told(0), told(1)], ("noisy", "good"), SCHEME)
    assert fitted.by == "regions"
    for region, (noisy, good) in fitted.weights.items():
        assert good > noisy
        assert fitted.fitted["dice"][region]["fitted_weights"] == 1.0


def test_what_is_written_is_read_and_the_bytes_are_the_same(tmp_path: Path) -> None:
    fitted = fit_weights([exam(0)], RATERS, SCHEME)
    fitted.write(tmp_path / "a.json")
    again = FusionWeights.read(tmp_path / "a.json")
    again.write(tmp_path / "b.json")
    assert again == fitted
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no weights file"),
        ("[]", "no weights file"),
        ('{"scheme": "brats-2023", "by": "labels", "raters": ["a"], "weights": {"ET": {"b": 1}}}', "no weights file"),
        ('{"scheme": "brats-2023", "by": "labels", "raters": ["a"], "weights": {"ET": {"a": -1}}}', "negative"),
        ('{"scheme": "brats-2023", "by": "labels", "raters": ["a"], "weights": {"ET": {"a": NaN}}}', "not finite"),
        ('{"scheme": "brats-2023", "by": "labels", "raters": [], "weights": {}}', "names no rater"),
    ],
)
def test_files_that_hold_no_weights(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "w.json").write_text(text)
    with pytest.raises(InputUnreadable, match=words):
        FusionWeights.read(tmp_path / "w.json")


def test_faults_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(InputUnreadable, match="cannot be read"):
        FusionWeights.read(tmp_path / "missing.json")
    with pytest.raises(InvalidImage, match="no exams"):
        fit_weights([], RATERS, SCHEME)
    with pytest.raises(InvalidImage, match="Exam 1 has 3 masks, but there are 2 raters"):
        fit_weights([exam(0)], RATERS[:2], SCHEME)
    fitted = fit_weights([exam(0)], RATERS, SCHEME)
    with pytest.raises(InvalidImage, match="no weight for rater 'x'"):
        fitted.of(["good", "x"])
    assert json.loads(json.dumps(fitted.document()))["weights"]["ET"]["good"] == 1.0
