"""Depth for a patch."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from glioscope.training.topology import topology_of


def test_nnunets_networks_for_brain_tumours() -> None:
    cube = topology_of((128, 128, 128), (1, 1, 1))
    assert cube.strides == ((1, 1, 1), *[(2, 2, 2)] * 5)
    assert cube.features(32, 320) == (32, 64, 128, 256, 320, 320)
    assert cube.divisor == (32, 32, 32)
    published = topology_of((112, 160, 128), (1, 1, 1))  # post-treatment gliomas; 112 halves four times to 7
    assert published.strides[-1] == (1, 2, 2)
    assert published.divisor == (16, 32, 32)


def test_thick_slices_are_neither_halved_nor_looked_across_at_first() -> None:
    """0.5 x 0.5 x 1 mm, 192 x 128 x 80 voxels: the first stage of the published network looks within slices."""
    found = topology_of((128, 192, 80), (0.5, 0.5, 1.0))
    assert found.kernels[:2] == ((3, 3, 1), (3, 3, 3))
    assert found.strides[1:3] == ((2, 2, 1), (2, 2, 2))
    thicker = topology_of((256, 256, 24), (1.0, 1.0, 5.0))
    assert thicker.kernels[:4] == ((3, 3, 1), (3, 3, 1), (3, 3, 3), (3, 3, 3))
    assert thicker.strides[1:4] == ((2, 2, 1), (2, 2, 1), (2, 2, 2))


def test_a_single_axis_ends_at_twelve_voxels() -> None:
    assert topology_of((4, 4, 11), (1, 1, 1)).strides == ((1, 1, 1),)
    assert topology_of((4, 4, 12), (1, 1, 1)).strides == ((1, 1, 1), (1, 1, 2))


@given(
    st.tuples(*[st.integers(1, 320)] * 3),
    st.tuples(*[st.floats(0.3, 8)] * 3),
)
def test_no_axis_gets_smaller_than_four(patch: tuple[int, int, int], spacing: tuple[float, float, float]) -> None:
    found = topology_of(patch, spacing)
    assert len(found.strides) == len(found.kernels)
    for axis in range(3):
        side = patch[axis]
        for stride in found.strides:
            side = math.ceil(side / stride[axis])
        assert side >= min(4, patch[axis])
    assert found.kernels[-1] == (3, 3, 3)
