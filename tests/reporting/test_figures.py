"""What figures show and how they are turned."""

from __future__ import annotations

import io

import numpy as np
import pytest

from glioscope.core import Sequence, get_scheme
from glioscope.reporting import make_scene, montage_figure, outlines, overview_figure
from tests.reporting.documents import SCHEME, exam


def test_the_patients_left_is_on_the_right_and_front_is_up() -> None:
    images, labels, brain = exam()
    scene = make_scene(images, labels, SCHEME, brain)
    axial = scene.picture(scene.labels, "axial") > 0
    rows, columns = np.argwhere(axial).mean(axis=0)
    assert columns > axial.shape[1] / 2  # the tumour's world x is negative: the patient's left
    assert rows < axial.shape[0] / 2  # in front
    coronal = scene.picture(scene.labels, "coronal") > 0
    assert np.argwhere(coronal).mean(axis=0)[1] > coronal.shape[1] / 2
    sagittal = scene.picture(scene.labels, "sagittal") > 0
    assert np.argwhere(sagittal).mean(axis=0)[1] < sagittal.shape[1] / 2  # the front is on the left


@pytest.mark.parametrize("orientation", ["RAS", "SPL", "AIR"])
def test_the_array_order_of_the_files_changes_nothing(orientation: str) -> None:
    images, labels, brain = exam(sequences=1)
    turned = {s: v.reoriented(orientation) for s, v in images.items()}
    plain = overview_figure(make_scene(images, labels, SCHEME, brain), SCHEME)
    other = overview_figure(make_scene(turned, labels.reoriented(orientation), SCHEME, brain.reoriented(orientation)), SCHEME)
    assert plain == other


def test_the_focus_is_the_largest_core_slice_and_positions_are_in_world_mm() -> None:
    images, labels, brain = exam()
    scene = make_scene(images, labels, SCHEME, brain)
    assert scene.focus_region == "TC"
    expected = labels.grid.to_world((58, 62, 13))
    assert [scene.position_mm(p) for p in ("sagittal", "coronal", "axial")] == pytest.approx(expected, abs=1)


def test_pictures_keep_the_proportions_of_the_patient() -> None:
    images, labels, brain = exam()
    scene = make_scene(images, labels, SCHEME, brain)
    width, height = scene.size_mm("coronal")
    shape = scene.labels.data.shape
    assert (width, height) == pytest.approx((shape[0] * 1.503, shape[2] * 4.099), rel=1e-3)


@pytest.mark.parametrize(("sequences", "tumour"), [(4, True), (1, True), (2, False)])
def test_figures_are_pngs_and_the_same_each_time(sequences: int, tumour: bool) -> None:
    from PIL import Image

    images, labels, brain = exam(sequences=sequences, tumour=tumour)
    scene = make_scene(images, labels, SCHEME, brain)
    for draw in (overview_figure, montage_figure):
        first = draw(scene, SCHEME)
        assert first == draw(scene, SCHEME)
        assert len(first) < 400_000
        assert Image.open(io.BytesIO(first)).width == 1575


def test_outlines_have_the_colour_of_their_regions() -> None:
    images, labels, brain = exam()
    png = overview_figure(make_scene(images, labels, SCHEME, brain), SCHEME)
    assert {rgb for rgb, count in _colours(png).items() if count > 50} >= {(0xCC, 0xBB, 0x44), (0xEE, 0x66, 0x77)}
    images, labels, brain = exam(tumour=False)
    png = overview_figure(make_scene(images, labels, SCHEME, brain), SCHEME)
    assert (0xEE, 0x66, 0x77) not in _colours(png)


def _colours(png: bytes) -> dict[tuple[int, int, int], int]:
    from PIL import Image

    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).reshape(-1, 3)
    found, counts = np.unique(pixels, axis=0, return_counts=True)
    return {(int(r), int(g), int(b)): int(n) for (r, g, b), n in zip(found, counts, strict=True)}


def test_regions_outside_the_chain_are_outlined_too() -> None:
    found = outlines(get_scheme("brats-2024-gli"))
    assert [o.region for o in found] == ["WT", "TC", "ET", "RC"]
    assert [o.values for o in found] == [(1, 2, 3), (1, 3), (3,), (4,)]
    assert [o.region for o in outlines(get_scheme("residual"))] == ["RT"]


def test_windows_come_from_inside_the_brain() -> None:
    images, labels, brain = exam(sequences=1)
    bright = images[Sequence.T1N]
    outside = bright.with_data(np.where(brain.data > 0, bright.data, 10_000).astype(np.float32))
    plain = make_scene({Sequence.T1N: bright}, labels, SCHEME, brain).windows
    assert make_scene({Sequence.T1N: outside}, labels, SCHEME, brain).windows == plain
