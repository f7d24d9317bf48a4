"""Side and lobes on a hand-made atlas."""

from __future__ import annotations

import numpy as np
import pytest

from glioscope.core import Volume, get_scheme
from glioscope.measurement import locate

SCHEME = get_scheme("brats-2023")
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])  # array index 0 is the patient's right


def tumour(start: int, stop: int) -> Volume:
    data = np.zeros((20, 10, 10), np.uint8)
    data[start:stop, 2:4, 2:4] = 2
    return Volume.of(data, LPS)


def halves(first: int, second: int) -> Volume:
    data = np.full((20, 10, 10), first, np.uint8)
    data[10:] = second
    return Volume.of(data, LPS)


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 1)])
def test_side_follows_world_space_and_not_the_coding_of_the_map(first: int, second: int) -> None:
    right = locate(tumour(1, 6), SCHEME, lateralisation=halves(first, second)).regions["WT"]
    left = locate(tumour(12, 18), SCHEME, lateralisation=halves(first, second)).regions["WT"]
    assert (right.side, right.right_percent) == ("right", 100)
    assert (left.side, left.left_percent) == ("left", 100)


def test_both_sides_from_a_tenth_on() -> None:
    both = locate(tumour(1, 12), SCHEME, lateralisation=halves(1, 2)).regions["WT"]  # 9 right, 2 left
    assert both.side == "both"
    assert both.left_percent == pytest.approx(200 / 11)
    assert locate(tumour(0, 10), SCHEME, lateralisation=halves(1, 2)).regions["WT"].side == "right"


def test_lobes_share_names_and_what_no_lobe_covers_is_said() -> None:
    lobes = np.zeros((20, 10, 10), np.uint8)
    lobes[1:3], lobes[3:4], lobes[4:5] = 7, 8, 9
    names = {7: "right frontal", 8: "right temporal", 9: "right frontal"}
    volume = Volume.of(lobes, LPS)
    found = locate(tumour(1, 6), SCHEME, lobes=volume, lobe_names=names, lateralisation=halves(1, 2))
    share = found.regions["WT"]
    assert share.lobes == pytest.approx({"right frontal": 60, "outside the atlas": 20, "right temporal": 20})
    assert share.main_lobe == "right frontal"
    assert found.regions["ET"].side is None
    assert found.regions["ET"].document()["lobes_percent"] == {}


def test_without_an_atlas_the_middle_of_the_brain_divides_and_it_is_said() -> None:
    brain = np.zeros((20, 10, 10), np.uint8)
    brain[8:20] = 1  # mid-plane at index 13.5
    found = locate(tumour(9, 12), SCHEME, brain=Volume.of(brain, LPS))
    assert found.regions["WT"].side == "right"
    assert "without an atlas" in found.side_source
    assert "no atlas" in found.lobe_source
