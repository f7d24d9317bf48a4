from __future__ import annotations

import numpy as np

from glioscope.core.boxes import box_of


def test_a_box_by_hand_and_its_room_ends_at_the_array() -> None:
    mask = np.zeros((6, 5, 4), bool)
    mask[2, 1, 3] = mask[4, 2, 1] = True
    assert box_of(mask) == (slice(2, 5), slice(1, 3), slice(1, 4))
    assert box_of(mask, (1, 2, 3)) == (slice(1, 6), slice(0, 5), slice(0, 4))
