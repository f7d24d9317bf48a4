"""Means, weighted means and maxima of probabilities, and the label map they make."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from glioscope.core import SCHEMES, InvalidImage
from glioscope.fusion import fuse_probabilities, label_probabilities
from tests.fusion.maps import SHAPES

Maps = dict[str, NDArray[np.float32]]


def maps(**rows: list[float]) -> Maps:
    return {region: np.array(row, np.float32) for region, row in rows.items()}


@st.composite
def raters(draw: st.DrawFn) -> list[Maps]:
    shape, rng = draw(SHAPES), np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return [{r: rng.random(shape, np.float32) for r in ("WT", "TC", "ET")} for _ in range(draw(st.integers(1, 5)))]


def test_by_hand() -> None:
    a, b = maps(WT=[0.2, 1.0], ET=[0.0, 0.5]), maps(WT=[0.6, 0.5], ET=[0.4, 0.1])
    np.testing.assert_allclose(fuse_probabilities([a, b])["WT"], [0.4, 0.75])
    np.testing.assert_allclose(fuse_probabilities([a, b], "max")["ET"], [0.4, 0.5])
    heavy = fuse_probabilities([a, b], "weighted-mean", {"WT": (3, 1), "ET": (0, 2)})
    np.testing.assert_allclose(heavy["WT"], [0.3, 0.875])
    np.testing.assert_allclose(heavy["ET"], [0.3, 0.1])  # 0.4 is more than the whole tumour's 0.3


def test_label_map_by_hand() -> None:
    found = maps(WT=[0.5, 0.9, 0.9, 0.2, 0.9], TC=[0.1, 0.6, 0.7, 0.9, 0.4], ET=[0.0, 0.4, 0.5, 0.9, 0.9])
    assert label_probabilities(found, SCHEMES["brats-2023"]).tolist() == [2, 1, 3, 0, 2]
    cavity = found | maps(RC=[0.6, 0.6, 0.95, 0.6, 0.9])
    assert label_probabilities(cavity, SCHEMES["brats-2024-gli"]).tolist() == [4, 1, 4, 4, 2]


@given(raters(), st.sampled_from(["mean", "weighted-mean", "max"]), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_nested_within_bounds_and_in_any_order(given_maps: list[Maps], method: str, random: Any) -> None:
    order = list(range(len(given_maps)))
    random.shuffle(order)
    weights = {r: tuple(1.0 + n for n in range(len(given_maps))) for r in ("WT", "TC", "ET")}
    fused = fuse_probabilities(given_maps, method, weights)
    turned = {r: tuple(row[n] for n in order) for r, row in weights.items()}
    shuffled = fuse_probabilities([given_maps[n] for n in order], method, turned)
    for region in fused:
        np.testing.assert_allclose(shuffled[region], fused[region], atol=1e-6)
        assert fused[region].dtype == np.float32
    assert (fused["ET"] <= fused["TC"]).all()
    assert (fused["TC"] <= fused["WT"]).all()
    stack = np.stack([one["WT"] for one in given_maps])
    assert (fused["WT"] <= stack.max(axis=0) + 1e-6).all()
    assert (fused["WT"] >= stack.min(axis=0) - 1e-6).all()
    one = fuse_probabilities([given_maps[0]] * 3, method, dict.fromkeys(weights, (1.0, 2.0, 3.0)))
    np.testing.assert_allclose(one["WT"], given_maps[0]["WT"], atol=1e-6)


@pytest.mark.parametrize(
    ("given_maps", "method", "words"),
    [
        ([], "mean", "at least one"),
        ([maps(WT=[1.0])], "median", "does not fuse probabilities"),
        ([maps(WT=[1.0]), maps(TC=[1.0])], "mean", "Rater 2 has maps of TC"),
        ([maps(WT=[1.0]), maps(WT=[1.0, 0.0])], "mean", "WT of rater 2 has the shape"),
        ([maps(WT=[1.5])], "mean", "not from 0 to 1"),
        ([maps(WT=[-0.5])], "max", "not from 0 to 1"),
        ([maps(WT=[float("nan")])], "mean", "not from 0 to 1"),
        ([maps(WT=[1.0])], "weighted-mean", "no weights for WT"),
    ],
)
def test_garbage_costs_a_sentence(given_maps: list[Maps], method: str, words: str) -> None:
    with pytest.raises(InvalidImage) as error:
        fuse_probabilities(given_maps, method)
    assert words in str(error.value)


def test_a_region_that_the_scheme_needs() -> None:
    with pytest.raises(InvalidImage, match="missing: TC, ET"):
        label_probabilities(maps(WT=[1.0]), SCHEMES["brats-2023"])
