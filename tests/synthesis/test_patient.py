"""Whole patients made of a brain that needs no atlas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glioscope.core import InvalidImage, Sequence, Volume, write_volume
from glioscope.synthesis.appearance import ideal_image
from glioscope.synthesis.cavity import resected
from glioscope.synthesis.contrast import draw_contrast
from glioscope.synthesis.patient import Patient, make_patient
from glioscope.synthesis.placed import place_tumour
from glioscope.synthesis.template import BRATS_GRID
from glioscope.synthesis.tumour import TumourFields
from tests.synthesis.template_factory import ellipsoid_brain


@pytest.fixture(scope="module")
def grown() -> Patient:
    return make_patient(ellipsoid_brain(), 3)


def test_a_grown_tumour_lies_in_the_brain_and_not_in_the_ventricles(grown: Patient) -> None:
    assert set(np.unique(grown.labels)) <= {0, 1, 2, 3}
    assert 2 < (grown.labels > 0).sum() / 1000 < 300
    assert not grown.labels[~grown.anatomy.brain].any()
    fluid = grown.anatomy.fractions["csf"] > 0.95
    assert (grown.labels[fluid] > 0).mean() < 0.02


def test_fractions_fill_each_voxel_of_the_brain_once(grown: Patient) -> None:
    inside = grown.anatomy.surface < -3
    total = sum(grown.anatomy.fractions.values())
    np.testing.assert_allclose(np.asarray(total)[inside], 1, atol=0.02)
    assert {fraction.dtype for fraction in grown.anatomy.fractions.values()} == {np.dtype(np.float32)}
    assert min(fraction.min() for fraction in grown.anatomy.fractions.values()) >= 0


def test_labels_are_what_the_image_shows(grown: Patient) -> None:
    contrast = draw_contrast("realistic", np.random.default_rng(0))
    healthy = grown.anatomy.brain & (grown.labels == 0) & (grown.anatomy.fractions["wm"] > 0.9)
    enhanced, flair = (ideal_image(grown.anatomy, contrast[s], np.random.default_rng(1)) for s in (Sequence.T1C, Sequence.T2F))
    assert enhanced[grown.labels == 3].mean() > 1.1 * enhanced[healthy].mean()
    assert flair[grown.labels == 2].mean() > 1.1 * flair[healthy].mean()


def test_the_same_seed_gives_the_same_patient(grown: Patient) -> None:
    again = make_patient(ellipsoid_brain(), 3)
    np.testing.assert_array_equal(grown.labels, again.labels)
    for name, fraction in grown.anatomy.fractions.items():
        np.testing.assert_array_equal(fraction, again.anatomy.fractions[name])


def test_a_healthy_head_has_no_tumour_and_nothing_of_one() -> None:
    healthy = make_patient(ellipsoid_brain(), 1, kind="healthy")
    assert not healthy.labels.any()
    assert not {"ncr", "ed", "et", "cavity"} & set(healthy.anatomy.fractions)


def test_an_operation_leaves_a_cavity_full_of_fluid() -> None:
    patient = make_patient(ellipsoid_brain(), 2, kind="post-operative")
    assert patient.scheme.name == "brats-2024-gli"
    cavity = patient.labels == 4
    assert cavity.sum() > 500
    fractions = patient.anatomy.fractions
    assert (fractions["cavity"] + fractions["blood"])[cavity].mean() > 0.9
    assert fractions["et"][cavity].max() < 0.6


@pytest.mark.parametrize("seed", range(6))
def test_an_operation_changes_nothing_far_from_the_core(seed: int) -> None:
    """Depths are known up to 6 mm; taken as the distance beyond, they let oedema and holes into all of the brain."""
    i, j, k = np.indices((60, 60, 60), np.float32) - 30
    distance = np.sqrt(i**2 + j**2 + k**2)
    core, whole = (np.clip(radius - distance, -6, 6).astype(np.float32) for radius in (8, 12))
    left = resected(TumourFields(whole, core, core, 1.0), np.random.default_rng(seed))
    assert left.cavity is not None
    assert (left.cavity[distance < 8] > 0).any()
    assert (left.whole[distance < 8] > 0).all()
    for field in (left.whole, left.core, left.cavity):  # at most 9 mm of margins and two waves of 1.6 mm around 8 mm of core
        assert not (field[distance > 28] > 0).any()


def _shape(tmp_path: Path) -> Path:
    labels = np.zeros(BRATS_GRID.shape, np.uint8)
    labels[80:110, 110:150, 60:90] = 2
    labels[88:102, 120:140, 68:82] = 4
    labels[92:98, 126:134, 72:78] = 1
    write_volume(tmp_path / "ID-seg.nii.gz", Volume(labels, BRATS_GRID))
    return tmp_path / "ID-seg.nii.gz"


def test_a_given_shape_keeps_its_parts(tmp_path: Path) -> None:
    patient = make_patient(ellipsoid_brain(), 5, shape=_shape(tmp_path))
    volumes = np.bincount(patient.labels.ravel(), minlength=4)[1:] / 1000
    # 36 ml, of which 3.92 core, of which 0.288 do not enhance; each axis is scaled by 0.8 to 1.2, and the mass effect adds
    assert 15 < volumes.sum() < 80
    assert (volumes[0] + volumes[2]) / volumes.sum() == pytest.approx(3.92 / 36, rel=0.6)
    assert volumes[2] > 2 * volumes[0] > 0


def test_an_empty_shape_is_refused() -> None:
    from glioscope.synthesis.anatomy import CoarseBrain
    from glioscope.synthesis.deformation import random_deformation

    rng = np.random.default_rng(0)
    tissue = CoarseBrain.of(ellipsoid_brain(), random_deformation(ellipsoid_brain(), rng)).tissue
    with pytest.raises(InvalidImage, match="without tumour"):
        place_tumour(Volume(np.zeros(BRATS_GRID.shape, np.uint8), BRATS_GRID), tissue, rng)
