"""Statistics of label maps, and their figure."""

from __future__ import annotations

import numpy as np
import pytest

from glioscope.core import Grid, InvalidImage, Volume
from glioscope.synthesis.label_figure import label_figure
from glioscope.synthesis.label_statistics import label_statistics, quartiles

LPS = np.diag([-2.0, -1.0, 1.0, 1.0])


def _map(enhancing: int = 3) -> Volume:
    """2 x 1 x 1 mm voxels; 10 of oedema, 6 of core, of which 4 enhance, around index 15 of 21 along the left."""
    labels = np.zeros((21, 11, 11), np.uint8)
    labels[14:16, 3:8, 5] = 2
    labels[14:16, 3:8, 6][:, :3] = [[1, enhancing, enhancing], [1, enhancing, enhancing]]
    return Volume(labels, Grid(labels.shape, LPS))


@pytest.mark.parametrize("enhancing", [3, 4])
def test_statistics_of_a_small_map(enhancing: int) -> None:
    found = label_statistics(_map(enhancing))
    assert found.values == pytest.approx((0.032, 6 / 16, 4 / 6, 9.0, 1, 1))
    assert found.centroid == pytest.approx((9.0, (10 * 5 + 6 * 4) / 16 - 5, 6 / 16))


def test_a_turned_map_has_the_same_statistics() -> None:
    turned = _map().reoriented("SRA")
    assert label_statistics(turned).values == pytest.approx(label_statistics(_map()).values)


def test_an_empty_map_has_no_place_and_a_cavity_is_no_tumour() -> None:
    labels = np.zeros((5, 5, 5), np.uint8)
    assert np.isnan(label_statistics(Volume(labels, Grid(labels.shape, np.eye(4)))).values[1:4]).all()
    labels[2, 2, 2], labels[1, 1, 1] = 4, 3
    assert label_statistics(Volume(labels, Grid(labels.shape, np.eye(4)))).values[0] == pytest.approx(0.001)


def test_an_unknown_value_is_refused() -> None:
    with pytest.raises(InvalidImage, match="value 7"):
        label_statistics(Volume(np.full((3, 3, 3), 7, np.uint8), Grid((3, 3, 3), np.eye(4))))


def test_quartiles_leave_out_what_is_missing() -> None:
    empty = label_statistics(Volume(np.zeros((5, 5, 5), np.uint8), Grid((5, 5, 5), np.eye(4))))
    table = quartiles([label_statistics(_map()), empty])
    assert table.shape == (6, 5)
    assert table[0, 2] == pytest.approx(0.016)
    np.testing.assert_allclose(table[1], 6 / 16)


def test_the_figure_is_the_same_each_time() -> None:
    cohorts = {"given": [label_statistics(_map())], "synthetic": [label_statistics(_map(4))] * 2}
    picture = label_figure(cohorts)
    assert picture.startswith(b"\x89PNG")
    assert picture == label_figure(cohorts)
