"""From probabilities to labels."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from glioscope.core import SCHEMES, InvalidImage
from glioscope.postprocessing import PUBLISHED_THRESHOLDS, Chain, Thresholds, published_chain
from tests.postprocessing.maps import BRATS


def line(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32).reshape(-1, 1, 1)


def test_nested_order_at_the_published_thresholds() -> None:
    found = Thresholds(PUBLISHED_THRESHOLDS).apply(
        {
            #           none   ED    NCR   ET  ET without TC  ET without WT  just below  just at
            "WT": line(0.10, 0.45, 0.90, 0.90, 0.9, 0.3, 0.4499, 0.45),
            "TC": line(0.90, 0.39, 0.40, 0.80, 0.3, 0.9, 0.9, 0.40),
            "ET": line(0.90, 0.90, 0.44, 0.70, 0.9, 0.9, 0.9, 0.45),
        },
        BRATS,
    )
    assert found.dtype == np.uint8
    assert found.ravel().tolist() == [0, 2, 1, 3, 2, 0, 0, 3]


def test_the_order_in_which_regions_are_named_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    maps = {region: rng.random((4, 5, 6), np.float32) for region in ("WT", "TC", "ET")}
    forward = Thresholds({"WT": 0.3, "TC": 0.5, "ET": 0.7}).apply(maps, BRATS)
    backward = Thresholds({"ET": 0.7, "TC": 0.5, "WT": 0.3}).apply(dict(reversed(maps.items())), BRATS)
    assert forward.max() == 3
    np.testing.assert_array_equal(forward, backward)


def test_a_region_without_a_map_is_left_out() -> None:
    found = Thresholds(PUBLISHED_THRESHOLDS).apply({"WT": line(0.2, 0.6), "other": line(1, 1)}, BRATS)
    assert found.ravel().tolist() == [0, 2]  # whole tumour of which no more is known is oedema


@pytest.mark.parametrize(
    ("scheme", "painted"),
    [
        ("brats-2021", {"WT": 2, "TC": 1, "ET": 4}),
        ("brats-2024-gli", {"WT": 2, "TC": 1, "ET": 3, "RC": 4}),
        ("brats-ped", {"WT": 4, "TC": 2, "ET": 1, "CC": 3}),
        ("brats-met", {"WT": 2, "TC": 1, "ET": 3}),
        ("brats-men-rt", {"GTV": 1}),
        ("residual", {"RT": 1}),
    ],
)
def test_what_each_region_paints_in_every_scheme(scheme: str, painted: dict[str, int]) -> None:
    thresholds = published_chain(SCHEMES[scheme]).thresholds
    assert thresholds is not None
    assert set(thresholds.values) == set(painted)
    for region, label in painted.items():
        certain = {
            r: line(1.0 if set(SCHEMES[scheme].regions[region]) <= set(SCHEMES[scheme].regions[r]) else 0) for r in painted
        }
        assert thresholds.apply(certain, SCHEMES[scheme]).item() == label


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        ({"WT": line(0.5, np.nan)}, "WT are not all numbers from 0 to 1"),
        ({"WT": line(0.5, 1.5)}, "WT are not all numbers from 0 to 1"),
        ({"WT": line(0.5), "TC": line(0.5, 0.5)}, "of TC have"),
        ({"WT": np.ones((2, 2), np.float32)}, "have 2 axes"),
        ({"RC": line(0.5)}, "no probability"),
    ],
)
def test_what_are_no_probabilities(maps: dict[str, NDArray[np.float32]], message: str) -> None:
    with pytest.raises(InvalidImage, match=message):
        Thresholds(PUBLISHED_THRESHOLDS).apply(maps, BRATS)


@pytest.mark.parametrize("value", [0, -0.1, 1.01, float("nan"), True])
def test_a_threshold_is_above_0_and_at_most_1(value: float) -> None:
    with pytest.raises(InvalidImage, match="threshold of WT"):
        Thresholds({"WT": value})


def test_a_component_of_which_the_network_was_nowhere_sure_is_not_believed() -> None:
    sure, unsure = [0.6, 0.9, 0.9], [0.6, 0.7, 0.7]  # means 0.8 and 0.667
    line = np.array([*sure, 0.1, *unsure], np.float32)[:, None, None]
    scheme = SCHEMES["brats-2023"]
    chosen = Thresholds({"WT": 0.5, "TC": 0.5, "ET": 0.5}, {"ET": 0.75})
    everywhere = {"WT": np.ones_like(line), "TC": np.ones_like(line), "ET": line}
    assert chosen.apply(everywhere, scheme)[:, 0, 0].tolist() == [3, 3, 3, 1, 1, 1, 1]
    assert Thresholds(chosen.values, {"ET": 0.6}).apply(everywhere, scheme)[:, 0, 0].tolist() == [3, 3, 3, 1, 3, 3, 3]
    chain = Chain((), chosen)
    assert Chain.of_document(chain.document()) == chain
    with pytest.raises(InvalidImage, match="a least mean for RC, and no threshold"):
        Thresholds({"WT": 0.5}, {"RC": 0.5})
    with pytest.raises(InvalidImage, match="'least_mean' without 'thresholds'"):
        Chain.of_document({**Chain().document(), "least_mean": {"ET": 0.5}})
