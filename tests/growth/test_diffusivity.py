"""Selling's decomposition and fractional anisotropy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glioscope.growth.diffusivity import couplings, fractional_anisotropy, selling
from glioscope.growth.tissue import GrowthParameters, Tissue


@given(st.integers(0, 2**32 - 1), st.floats(0, 6))
def test_the_decomposition_gives_the_tensor_back_with_weights_that_are_not_negative(seed: int, stretch: float) -> None:
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.standard_normal((20, 3, 3)))[0]
    tensors = np.einsum("nij,nj,nkj->nik", turn, np.exp(-stretch * rng.random((20, 3))), turn)
    directions, weights = selling(tensors)
    assert (weights >= 0).all()
    assert np.einsum("nk,nki,nkj->nij", weights, directions, directions) == pytest.approx(tensors, rel=1e-6, abs=1e-8)


def test_a_diagonal_tensor_needs_the_three_axes_only() -> None:
    directions, weights = selling(np.diag([3.0, 2.0, 1.0])[None])
    assert sorted(w for w in weights[0] if w > 1e-12) == pytest.approx([1, 2, 3])
    assert np.abs(directions[0][weights[0] > 1e-12]).sum() == 3


def test_neighbours_exchange_the_mean_of_their_diffusivities_over_the_squared_distance() -> None:
    white = np.array([1, 0.5, 0], np.float32).reshape(3, 1, 1)
    tissue = Tissue(white, 1 - white, white >= 0, (2.0, 1.0, 1.0))
    rates = couplings(tissue, GrowthParameters(white=0.4, grey=0.1)).toarray()
    first, second = (0.4 + 0.25) / 2 / 4, (0.25 + 0.1) / 2 / 4
    assert rates == pytest.approx(np.array([[0, first, 0], [first, 0, second], [0, second, 0]]))


def test_fractional_anisotropy_of_known_tensors() -> None:
    tensors = np.array([np.eye(3), np.diag([1.0, 0, 0]), np.diag([1.0, 1, 0]), np.zeros((3, 3))])
    assert fractional_anisotropy(tensors) == pytest.approx([0, 1, np.sqrt(0.5), 0], abs=1e-6)
