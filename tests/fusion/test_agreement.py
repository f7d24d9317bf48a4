"""How many agree, and the entropy of what they say."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings

from glioscope.fusion import vote_counts, vote_entropy
from tests.fusion.maps import Labels, label_maps


def test_by_hand() -> None:
    maps = [np.array(row, np.uint8) for row in ([0, 1, 1, 1], [0, 1, 2, 2], [0, 1, 2, 3], [0, 1, 1, 0])]
    assert vote_counts(maps, (1, 3)).tolist() == [0, 4, 2, 2]
    np.testing.assert_allclose(vote_entropy(maps), [0, 0, 1, 2])


@given(label_maps())
@settings(max_examples=40)
def test_counts_of_nested_regions_are_nested_and_entropy_is_bounded(maps: list[Labels]) -> None:
    wt, tc, et = (vote_counts(maps, values) for values in ((1, 2, 3), (1, 3), (3,)))
    assert (et <= tc).all()
    assert (tc <= wt).all()
    assert wt.max() <= len(maps)
    entropy = vote_entropy(maps)
    assert entropy.min() >= 0
    assert entropy.max() <= np.log2(min(len(maps), 4)) + 1e-6
    same = np.all([one == maps[0] for one in maps], axis=0)
    np.testing.assert_array_equal(entropy == 0, same)
