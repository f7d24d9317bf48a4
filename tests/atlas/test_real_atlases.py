"""What the installed atlases show; skipped where they are not installed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from glioscope.atlas import atlas_volume
from glioscope.core import EngineMissing, read_labels, read_volume, resample_mask


def volume(name: str, key: str) -> Path:
    try:
        return atlas_volume(name, key)
    except EngineMissing as error:
        pytest.skip(str(error))


def test_tissue_maps_agree_with_the_tissue_labels_in_world_space() -> None:
    labels = read_labels(volume("SRI24", "tissues")).reoriented("RAS")
    maps = [read_volume(volume("SRI24", key)).reoriented("RAS") for key in ("csf", "gm", "wm")]
    assert all(m.grid.same_as(labels.grid) for m in maps)
    likely = np.stack([m.data for m in maps]).argmax(axis=0) + 1
    brain = labels.data > 0
    assert (likely == labels.data)[brain].mean() > 0.95
    assert (likely[::-1] == labels.data)[brain].mean() < 0.8


def test_brats_brains_lie_on_the_brain_of_sri24(test_data: Path) -> None:
    brain = read_labels(volume("SRI24", "brain_mask"))
    for case in ("BraTS2021_01477", "BraTS2021_01658"):
        exam = read_volume(test_data / "exams/glioma-labelled" / case / f"{case}_t1.nii.gz")
        there = exam.data > 0
        here = resample_mask(brain, exam.grid).data
        assert 2 * (there & here).sum() / (there.sum() + here.sum()) > 0.93


@pytest.mark.parametrize("atlas", ["MNI152", "SRI24"])
def test_names_of_lobes_are_on_their_side_and_in_their_place(atlas: str) -> None:
    lobes = read_labels(volume(atlas, "lobes"))
    names = json.loads(volume(atlas, "lobe_names").read_text())
    side = read_labels(volume(atlas, "lateralisation")).reoriented("RAS")
    centre = {names[str(v)]: lobes.grid.to_world(np.argwhere(lobes.data == v).mean(axis=0)) for v in (210, 211, 8, 4, 218, 219)}
    for part in ("frontal", "occipital", "temporal"):
        assert centre[f"left {part} lobe"][0] < centre[f"right {part} lobe"][0] - 30
    assert centre["left frontal lobe"][1] > centre["left occipital lobe"][1] + 70
    upright = lobes.reoriented("RAS").data
    assert (side.data[upright == 210] == 2).mean() > 0.99
    assert (side.data[upright == 211] == 1).mean() > 0.99
