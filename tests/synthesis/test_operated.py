"""Virtual operations on real exams: what is left, what is cut, and what stays as it was imaged."""

from __future__ import annotations

import numpy as np
import pytest

from glioscope.core import InvalidImage, Sequence, Volume
from glioscope.synthesis import OperatedExam, operate

AFFINE = np.diag([-1.0, -1.0, 1.0, 1.0])
FLUID, WHITE = {Sequence.T1N: 40.0, Sequence.T2W: 300.0}, {Sequence.T1N: 100.0, Sequence.T2W: 120.0}


@pytest.fixture(scope="module")
def exam() -> tuple[dict[Sequence, Volume], Volume]:
    """A ball of brain with a ventricle, and a tumour: a rim that enhances 3 mm thick around necrosis, in oedema."""
    x, y, z = np.indices((91, 97, 83)) - np.array([45, 48, 41])[:, None, None, None]
    brain = x**2 + y**2 + z**2 < 40**2
    away = np.sqrt((x - 14) ** 2 + y**2 + z**2)
    labels = np.zeros(brain.shape, np.uint8)
    labels[away < 18], labels[away < 13], labels[away < 10] = 2, 4, 1  # the numbering of BraTS 2021
    ventricle = (np.abs(x + 16) < 6) & (np.abs(y) < 12) & (np.abs(z) < 8)
    noise = np.random.default_rng(0).normal(0, 2, brain.shape)
    images = {}
    for sequence, white in WHITE.items():
        image = np.where(ventricle, FLUID[sequence], white) + np.where(labels > 0, 20.0, 0.0) + noise
        images[sequence] = Volume(np.where(brain, image, 0).astype(np.float32), Volume.of(labels, AFFINE).grid)
    return images, Volume.of(np.where(brain, labels, 0).astype(np.uint8), AFFINE)


def _operated(exam: tuple[dict[Sequence, Volume], Volume], seed: int, residual_ml: float | None) -> OperatedExam:
    return operate(*exam, np.random.default_rng(seed), residual_ml)


@pytest.mark.parametrize("seed", range(3))
def test_as_much_is_left_as_was_asked_for_and_it_is_the_real_tumour(
    exam: tuple[dict[Sequence, Volume], Volume], seed: int
) -> None:
    images, before = exam
    made = _operated(exam, seed, 0.8)
    left = made.labels.data == 3
    assert made.scheme.name == "brats-2024-gli"
    assert 0.5 < left.sum() / 1000 < 1.1
    assert np.all(before.data[left] == 4)
    deep = left & (np.abs(_distance(made.labels.data == 4)) > 3)  # the wall mixes with the cavity
    for sequence, image in made.images.items():
        assert np.array_equal(image.data[deep], images[sequence].data[deep])


@pytest.mark.parametrize("seed", range(3))
def test_nothing_that_enhances_is_left_where_nothing_is_asked_for(
    exam: tuple[dict[Sequence, Volume], Volume], seed: int
) -> None:
    images, before = exam
    made = _operated(exam, seed, 0.0)
    cavity = made.labels.data == 4
    assert not np.isin(made.labels.data, (1, 3)).any()
    assert cavity.sum() > 0.9 * np.isin(before.data, (1, 4)).sum()
    deep = cavity & (_distance(~cavity) > 4)
    assert np.median(made.images[Sequence.T1N].data[deep]) == pytest.approx(FLUID[Sequence.T1N] * 1.17, rel=0.2)
    assert np.median(made.images[Sequence.T2W].data[deep]) == pytest.approx(FLUID[Sequence.T2W], rel=0.1)
    far = (_distance(cavity) > 6) & (before.data == 0)
    for sequence, image in made.images.items():
        assert np.array_equal(image.data[far], images[sequence].data[far])
        assert np.all(image.data[images[sequence].data == 0] == 0)


def test_the_same_seed_gives_the_same_exam_and_another_another(exam: tuple[dict[Sequence, Volume], Volume]) -> None:
    one, same, other = (_operated(exam, seed, None) for seed in (1, 1, 2))
    assert np.array_equal(one.labels.data, same.labels.data)
    assert all(np.array_equal(one.images[s].data, same.images[s].data) for s in one.images)
    assert not np.array_equal(one.labels.data, other.labels.data)


def test_without_a_tumour_there_is_nothing_to_cut(exam: tuple[dict[Sequence, Volume], Volume]) -> None:
    images, before = exam
    made = operate(images, before.with_data(np.zeros_like(before.data)), np.random.default_rng(0), 0.5)
    assert not made.labels.data.any()
    assert all(np.array_equal(made.images[s].data, images[s].data) for s in images)


def _distance(mask: np.ndarray) -> np.ndarray:
    from scipy import ndimage

    return np.asarray(ndimage.distance_transform_edt(~mask))


def test_thick_slices_are_refused(exam: tuple[dict[Sequence, Volume], Volume]) -> None:
    images, before = exam
    thick = {s: Volume.of(image.data, np.diag([1.0, 1.0, 5.0, 1.0])) for s, image in images.items()}
    with pytest.raises(InvalidImage, match="about 1 mm"):
        operate(thick, Volume.of(before.data, np.diag([1.0, 1.0, 5.0, 1.0])), np.random.default_rng(0))
