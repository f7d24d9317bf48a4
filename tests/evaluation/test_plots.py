from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image

from glioscope.core import InvalidImage
from glioscope.evaluation import LesionScores, plots
from glioscope.evaluation.plots import bland_altman_plot, box_plot, lesion_size_plot

VALUES = {"ours": {"ET": [0.2, 0.8, math.nan], "WT": [0.9, 0.7, 0.8]}, "theirs": {"ET": [0.5], "WT": [0.6, math.inf]}}
LESIONS = {
    "ET": [
        LesionScores("tp", 1200.0, 1000.0, {"dice": 0.8, "hd95": 2.0}),
        LesionScores("fn", 60.0, 0.0, {"dice": 0.0, "hd95": 374.0}),
        LesionScores("fp", 0.0, 30.0, {"dice": 0.0, "hd95": 374.0}),
    ],
    "RC": [],
}


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plots, "DPI", 40)


def _pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def test_pictures_are_the_same_bytes_each_time_and_carry_no_date() -> None:
    volumes = {"WT": ([10.0, 30.0, 5.0], [12.0, 25.0, 5.5])}
    for first, second in (
        (box_plot(VALUES, "lesion_dice"), box_plot(VALUES, "lesion_dice")),
        (lesion_size_plot(LESIONS), lesion_size_plot(LESIONS)),
        (bland_altman_plot(volumes), bland_altman_plot(volumes)),
    ):
        assert first == second
        assert first.startswith(b"\x89PNG") and b"matplotlib" not in first.lower()


def test_values_change_the_picture() -> None:
    other = {**VALUES, "theirs": {"ET": [0.1], "WT": [0.6]}}
    assert not np.array_equal(_pixels(box_plot(VALUES, "dice")), _pixels(box_plot(other, "dice")))


def test_lesions_that_do_not_count_are_not_drawn() -> None:
    hidden = LesionScores("fn", 9000.0, 0.0, {"dice": 0.0}, counted=False)
    assert lesion_size_plot({"ET": [*LESIONS["ET"], hidden]}) == lesion_size_plot(LESIONS)
    with pytest.raises(InvalidImage):
        lesion_size_plot({"ET": [hidden]})


def test_one_case_and_nothing() -> None:
    assert _pixels(bland_altman_plot({"WT": ([3.0], [4.0])})).shape[2] == 3
    with pytest.raises(InvalidImage):
        bland_altman_plot({"WT": ([], [])})
    with pytest.raises(InvalidImage):
        box_plot({"a": {"ET": [math.nan]}}, "hd95")
