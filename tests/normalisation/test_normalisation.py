from __future__ import annotations

import numpy as np

from glioscope.core import Volume
from glioscope.normalisation import NORMALISATIONS, percentile_rescale, zscore


def volume(values: list[float]) -> Volume:
    return Volume.of(np.array(values, np.float32).reshape(1, 1, -1), np.eye(4))


def mask(values: list[int]) -> Volume:
    return Volume.of(np.array(values, bool).reshape(1, 1, -1), np.eye(4))


def test_zscore_within_the_mask() -> None:
    out = zscore(volume([1, 3, 1, 3, 1000]), mask([1, 1, 1, 1, 0]))
    np.testing.assert_allclose(out.data.ravel(), [-1, 1, -1, 1, 0])


def test_percentiles_become_the_ends_of_the_range() -> None:
    out = percentile_rescale(volume([*range(101), 999.0]), mask([1] * 101 + [0])).data.ravel()
    np.testing.assert_allclose(out[[0, 2, 26, 50, 98, 100, 101]], [0, 0, 0.25, 0.5, 1, 1, 0], atol=1e-6)


def test_empty_mask_and_flat_brain_give_zeros() -> None:
    for name, method in NORMALISATIONS.items():
        assert not method(volume([1, 2, 3]), mask([0, 0, 0])).data.any()
        assert name == "none" or not method(volume([5, 5, 3]), mask([1, 1, 0])).data.any()
