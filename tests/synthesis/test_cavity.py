"""What an operation leaves of a ball of tumour."""

from __future__ import annotations

import numpy as np
import pytest

from glioscope.synthesis.cavity import resected
from glioscope.synthesis.tumour import TumourFields


@pytest.fixture(scope="module")
def ball() -> TumourFields:
    """A core of 24 mm around, which enhances everywhere, in oedema of 36 mm around, on a lattice of 2 mm."""
    index = np.stack(np.meshgrid(*[np.arange(48)] * 3, indexing="ij")) - 24
    away = 2 * np.sqrt((index**2).sum(axis=0)).astype(np.float32)
    return TumourFields(36 - away, 24 - away, np.full(away.shape, 5, np.float32), 2.0)


def _left(fields: TumourFields) -> np.ndarray:
    assert fields.cavity is not None
    return (fields.core > 0) & (fields.enhancing > 0) & (fields.cavity <= 0)


@pytest.mark.parametrize("seed", range(4))
def test_as_much_is_left_in_one_place_as_was_asked_for(ball: TumourFields, seed: int) -> None:
    left = _left(resected(ball, np.random.default_rng(seed), residual_ml=0.8))
    assert 0.5 < left.sum() * 8 / 1000 < 1.2  # of voxels of 8 mm³, some of them cut by the border
    assert np.ptp(2 * np.argwhere(left), axis=0).max() <= 44  # the thinnest rim, one voxel, needs that; the core is 48 wide


def test_none_is_left_where_none_is_asked_for(ball: TumourFields) -> None:
    for seed in range(4):
        assert not _left(resected(ball, np.random.default_rng(seed), residual_ml=0)).any()


def test_what_is_drawn_does_not_change_with_the_option(ball: TumourFields) -> None:
    """Exams of earlier versions keep their bytes: the cavity is the same whether the residual is drawn or asked for."""
    drawn, asked = (resected(ball, np.random.default_rng(3), residual_ml=ml) for ml in (None, 0.8))
    assert np.array_equal(drawn.cavity, asked.cavity)  # type: ignore[arg-type]
    assert _left(drawn).sum() != _left(asked).sum()
