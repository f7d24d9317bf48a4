"""Each remark with a case that triggers it and one that does not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from glioscope.core import Grid, Label, Scheme, Sequence, Volume, get_scheme
from glioscope.quality import (
    Remark,
    Severity,
    brain_remarks,
    displaced_sequences,
    exam_remarks,
    flat_remarks,
    judge,
    measured_remarks,
    overlap,
    overlap_remarks,
    segmentation_remarks,
)

SCHEME = get_scheme("brats-2023")
THIN = Grid((10, 10, 10), np.eye(4))
THICK = Grid((10, 10, 10), np.diag([1.0, 1.0, 5.5, 1.0]))


def codes(remarks: list[Remark]) -> set[str]:
    return {remark.code for remark in remarks}


def head(spacing: float = 4.0) -> Volume:
    """A brain of 1357 ml in the middle of a field of view of 200 mm."""
    n = int(200 / spacing)
    index = np.indices((n, n, n)) * spacing + spacing / 2 - 100
    return Volume.of(
        ((index / np.array([60, 75, 72])[:, None, None, None]) ** 2).sum(axis=0) <= 1, np.diag([spacing] * 3 + [1])
    )


def ball(brain: Volume, radius: float = 20) -> Volume:
    n = brain.grid.shape[0]
    distance = np.linalg.norm(np.indices((n, n, n)) * brain.grid.spacing[0] - 100, axis=0)
    return Volume.of((2 * (distance < radius)).astype(np.uint8), brain.grid.affine)


def test_a_complete_thin_exam_has_no_remark() -> None:
    assert exam_remarks(dict.fromkeys(Sequence, THIN), ["WT", "TC", "ET"]) == []


@pytest.mark.parametrize("missing", list(Sequence))
def test_missing_sequences(missing: Sequence) -> None:
    grids = {s: THIN for s in Sequence if s is not missing}
    assert codes(exam_remarks(grids, ["WT", "TC", "ET"])) == {f"missing-{missing}"}


def test_a_missing_contrast_image_weighs_less_for_whole_tumour_alone() -> None:
    grids: dict[Sequence, Grid] = {s: THIN for s in Sequence if s is not Sequence.T1C}
    assert exam_remarks(grids, ["WT", "TC", "ET"])[0].severity is Severity.WARNING
    assert exam_remarks(grids, ["WT"])[0].severity is Severity.INFO


def test_t1_images_alone_are_a_warning() -> None:
    """With T1 + contrast alone the whole tumour has a Dice of 0.3, and the report said `usable with caution`."""
    found = exam_remarks({Sequence.T1C: THIN, Sequence.T1N: THIN}, ["WT", "TC", "ET"])
    assert {r.code: r.severity for r in found} == {"missing-t2f": Severity.WARNING, "missing-t2w": Severity.INFO}
    assert found[0].sentence == "FLAIR is missing: without T2 too, oedema and infiltration are hardly seen."
    (remark,) = exam_remarks({Sequence.T1C: THIN, Sequence.T1N: THIN, Sequence.T2W: THIN}, ["WT", "TC", "ET"])
    assert remark.severity is Severity.CAUTION
    assert exam_remarks({Sequence.T1C: THIN, Sequence.T1N: THIN}, ["ET"])[0].severity is Severity.CAUTION


def test_an_image_of_one_value_is_a_warning() -> None:
    """A mask that was taken for an image gave the verdict `good`."""
    brain = np.ones((10, 10, 10), bool)
    ramp = np.arange(1000.0).reshape(brain.shape)
    nearly = np.where(ramp < 15, ramp, 100)  # 985 of 1000 voxels
    images = {Sequence.T1C: ramp, Sequence.T2F: nearly, Sequence.T2W: np.full(brain.shape, 3.0)}
    found = flat_remarks({s: Volume.of(values, np.eye(4)) for s, values in images.items()}, Volume.of(brain, np.eye(4)))
    assert [(r.code, r.severity) for r in found] == [("flat-t2f", Severity.WARNING), ("flat-t2w", Severity.WARNING)]
    assert found[0].sentence == "FLAIR has one value in nearly all of the brain, so it shows nothing; check its file."
    assert flat_remarks({Sequence.T2F: Volume.of(nearly, np.eye(4))}, Volume.of(~brain, np.eye(4))) == []


def test_thick_slices() -> None:
    (remark,) = exam_remarks({**dict.fromkeys(Sequence, THIN), Sequence.T2F: THICK}, ["WT"])
    assert remark.code == "thick-slices"
    assert "FLAIR (5.5 mm)" in remark.sentence


def test_brain_in_the_middle_of_the_view_is_fine() -> None:
    assert brain_remarks(head()) == []


def test_brain_of_impossible_volume() -> None:
    small = head()
    assert codes(brain_remarks(Volume.of(small.data, small.grid.affine / 2))) == {"brain-volume"}


def test_brain_cut_off_names_the_edge() -> None:
    whole = head()
    part = Volume.of(whole.data[:, :, 12:], whole.grid.affine)
    (remark,) = brain_remarks(part)
    assert remark.code == "brain-cut-off"
    assert "lower edge" in remark.sentence
    (turned,) = brain_remarks(part.reoriented("LPI"))
    assert turned == remark


def test_overlap_with_the_atlas() -> None:
    brain = head()
    shifted = brain.with_data(np.roll(brain.data, 5, axis=0))
    assert overlap(brain, brain) == 1
    assert overlap_remarks(overlap(brain, brain)) == []
    assert overlap_remarks(0.84)[0].severity is Severity.CAUTION
    assert overlap_remarks(overlap(brain, shifted))[0].code == "atlas-overlap"
    assert overlap_remarks(0.5)[0].severity is Severity.WARNING


def test_displaced_sequence_is_found_and_a_registered_one_is_not() -> None:
    brain = head(2.0)
    rng = np.random.default_rng(0)
    tissue = ndimage.gaussian_filter(rng.standard_normal(brain.grid.shape), 4).astype(np.float32)
    fixed, inverted = brain.with_data(tissue), brain.with_data(-tissue + 0.003 * rng.standard_normal(tissue.shape))
    moved = brain.with_data(np.roll(inverted.data, 2, axis=1))  # 4 mm
    assert displaced_sequences({Sequence.T1C: fixed, Sequence.T2W: inverted}, brain, Sequence.T1C) == []
    found = displaced_sequences({Sequence.T1C: fixed, Sequence.T2W: moved}, brain, Sequence.T1C)
    assert codes(found) == {"displaced-t2w"}


def test_a_plausible_segmentation_of_a_trained_model_has_no_remark() -> None:
    assert segmentation_remarks(ball(head()), SCHEME, head(), trained=True) == []


def test_baselines_are_always_named() -> None:
    assert codes(segmentation_remarks(ball(head()), SCHEME, head(), trained=False)) == {"baseline"}


def test_no_tumour() -> None:
    empty = head().with_data(np.zeros(head().grid.shape, np.uint8))
    assert codes(segmentation_remarks(empty, SCHEME, head(), trained=True)) == {"no-tumour"}


def test_labels_that_the_scheme_does_not_know() -> None:
    labels = ball(head())
    labels.data[labels.data > 0] = 9
    assert codes(segmentation_remarks(labels, SCHEME, head(), trained=True)) == {"unknown-labels"}


def test_volumes_too_large_and_too_small() -> None:
    brain = head()
    assert "volume-large" in codes(segmentation_remarks(ball(brain, 48), SCHEME, brain, trained=True))
    one = brain.with_data(np.zeros(brain.grid.shape, np.uint8))
    one.data[25, 25, 25] = 2
    assert codes(segmentation_remarks(one, SCHEME, brain, trained=True)) == {"volume-small"}


def test_outside_the_brain_and_at_the_border() -> None:
    brain = head()
    labels = ball(brain)
    shifted = labels.with_data(np.roll(labels.data, 15, axis=0))
    (remark,) = segmentation_remarks(shifted, SCHEME, brain, trained=True)
    assert (remark.code, remark.severity) == ("outside-brain", Severity.WARNING)
    cut = Volume.of(labels.data[25:], labels.grid.affine)
    assert codes(segmentation_remarks(cut, SCHEME, Volume.of(brain.data[25:], brain.grid.affine), trained=True)) == {
        "touches-border"
    }


def test_many_pieces() -> None:
    brain = head()
    labels = ball(brain)
    labels.data[20:30:2, 20:30:2, 38] = 2  # 25 voxels that do not touch each other
    assert codes(segmentation_remarks(labels, SCHEME, brain, trained=True)) == {"many-pieces"}


def test_enhancing_tumour_outside_the_whole_tumour() -> None:
    label = Label("X", "x", "#000000")
    broken = Scheme("broken", {2: label, 3: label}, {"WT": (2,), "ET": (3,)})
    labels = ball(head())
    assert segmentation_remarks(labels, broken, head(), trained=True) == []
    labels.data[25, 25, 25] = 3
    assert codes(segmentation_remarks(labels, broken, head(), trained=True)) == {"et-outside-wt"}


def test_the_gravest_remark_decides() -> None:
    info, caution, warning = (Remark(s, s.value, "x") for s in (Severity.INFO, Severity.CAUTION, Severity.WARNING))
    assert judge([]).verdict == "good"
    assert judge([info]).verdict == "good"
    assert judge([info, caution]).verdict == "usable with caution"
    judged = judge([info, caution, warning])
    assert judged.verdict == "not to be trusted"
    assert [remark.code for remark in judged.remarks] == ["warning", "caution", "info"]


@pytest.mark.parametrize(("dice", "severity"), [(0.8, Severity.INFO), (0.79, Severity.CAUTION), (0.59, Severity.WARNING)])
def test_what_was_measured_with_the_same_sequences_is_weighed_by_the_whole_tumour(dice: float, severity: Severity) -> None:
    (remark,) = measured_remarks(["T1", "T2"], "3 exams", {"WT": dice, "TC": 0.1})
    assert (remark.severity, remark.code) == (severity, "measured-accuracy")


def test_what_was_measured_is_said_in_one_sentence() -> None:
    (remark,) = measured_remarks(["FLAIR"], "3 exams", {"WT": 0.88, "ET": 0.5}, 0.4)
    assert remark.sentence == "With FLAIR alone the segmenter had a mean Dice of WT 0.88, ET 0.50, on 3 exams."
    (remark,) = measured_remarks(["T1", "T1 + contrast"], "3 exams", {"WT": 0.4}, 7.47)
    assert remark.sentence == (
        "With T1 and T1 + contrast the segmenter had a mean Dice of WT 0.40, and up to 7 ml of enhancing tumour where there "
        "was none, on 3 exams; do not rely on it."
    )
    assert measured_remarks(["T1"], "3 exams", {}) == []
