from __future__ import annotations

import numpy as np
import pytest

from glioscope.core import Sequence
from glioscope.segmentation import beliefs, get_segmenter
from glioscope.segmentation.beliefs import find_beliefs
from tests.segmentation.phantoms import phantom


def test_the_beliefs_are_those_of_the_segmenters_and_the_flair_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    images, brain, _ = phantom()
    alone = {name: get_segmenter(name).segment(images, brain).probabilities for name in ("subtraction", "flair-threshold")}
    looked, find = [], beliefs.find_flair_abnormality
    monkeypatch.setattr(beliefs, "find_flair_abnormality", lambda *a: looked.append(a) or find(*a))
    found = find_beliefs({"flair-threshold", "subtraction"}, images, brain)
    assert len(looked) == 1
    for name, regions in alone.items():
        assert found[name].keys() == regions.keys()
        for region, volume in regions.items():
            np.testing.assert_array_equal(found[name][region].data, volume.data)
    only = find_beliefs({"flair-threshold"}, {Sequence.T2F: images[Sequence.T2F]}, brain)
    assert list(only) == ["flair-threshold"]
    np.testing.assert_array_equal(only["flair-threshold"]["WT"].data, alone["flair-threshold"]["WT"].data)
