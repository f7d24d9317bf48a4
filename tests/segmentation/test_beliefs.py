from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glioscope.core import Sequence
from glioscope.segmentation import beliefs, get_segmenter
from glioscope.segmentation.beliefs import find_beliefs
from glioscope.segmentation.flair_threshold import FlairAbnormality, find_flair_abnormality
from tests.segmentation.phantoms import phantom


def test_the_beliefs_are_those_of_the_segmenters_and_the_flair_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    images, brain, _ = phantom()
    alone = {name: get_segmenter(name).segment(images, brain).probabilities for name in ("subtraction", "flair-threshold")}
    looked: list[FlairAbnormality] = []

    def look(*arguments: Any) -> FlairAbnormality:
        looked.append(find_flair_abnormality(*arguments))
        return looked[-1]

    monkeypatch.setattr(beliefs, "find_flair_abnormality", look)
    found = find_beliefs({"flair-threshold", "subtraction"}, images, brain)
    assert len(looked) == 1
    for name, regions in alone.items():
        assert found[name].keys() == regions.keys()
        for region, volume in regions.items():
            np.testing.assert_array_equal(found[name][region].data, volume.data)
    only = find_beliefs({"flair-threshold"}, {Sequence.T2F: images[Sequence.T2F]}, brain)
    assert list(only) == ["flair-threshold"]
    np.testing.assert_array_equal(only["flair-threshold"]["WT"].data, alone["flair-threshold"]["WT"].data)
