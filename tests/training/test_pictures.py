"""Curves, logs and overlays."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from glioscope.core import get_scheme
from glioscope.training.curves import write_curves, write_log
from glioscope.training.overlays import write_overlay

HISTORY = [
    {"epoch": 1, "step": 2, "lr": 0.1, "loss": 1.5, "seconds": 1.0},
    {"epoch": 2, "step": 4, "lr": 0.05, "loss": 0.5, "seconds": 2.0, "dice": 0.5, "dice_WT": 0.6, "dice_ET": 0.4},
]


def test_the_log_has_a_row_an_epoch_with_empty_cells_without_validation(tmp_path: Path) -> None:
    write_log(tmp_path / "log.csv", HISTORY)
    assert (tmp_path / "log.csv").read_text().splitlines() == [
        "epoch,step,lr,loss,seconds,dice,dice_WT,dice_ET",
        "1,2,0.1,1.5,1.0,,,",
        "2,4,0.05,0.5,2.0,0.5,0.6,0.4",
    ]


def test_curves_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    write_curves(tmp_path / "a.png", HISTORY, "fold 0")
    write_curves(tmp_path / "b.png", HISTORY, "fold 0")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert Image.open(io.BytesIO((tmp_path / "a.png").read_bytes())).size[0] > 400
    write_curves(tmp_path / "c.png", HISTORY[:1], "fold 0")  # before the first validation


def test_an_overlay_shows_both_label_maps_in_the_scheme_s_colours(tmp_path: Path) -> None:
    image = np.zeros((20, 20, 20), np.float32)
    image[4:16, 4:16, 4:16] = 1
    reference, found = np.zeros((20, 20, 20), np.uint8), np.zeros((20, 20, 20), np.uint8)
    reference[6:10, 6:10, 6:14] = 3
    found[6:10, 6:10, 6:14] = 2
    scheme = get_scheme("brats-2023")
    write_overlay(tmp_path / "o.png", image, reference, found, scheme, "exam")
    pixels = np.asarray(Image.open(tmp_path / "o.png").convert("RGB")).astype(int)
    half = len(pixels) // 2
    red, yellow = pixels[..., 0] - pixels[..., 1] > 60, (pixels[..., 0] - pixels[..., 2] > 40) & (pixels[..., 1] > 150)
    assert red[:half].sum() > 50
    assert yellow[half:].sum() > 50
    assert yellow[:half].sum() == 0
