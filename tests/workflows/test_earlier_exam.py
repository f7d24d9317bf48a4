"""Issue 6: a segmenter that looks at the exam before surgery gets it, on the voxels of the exam after it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glioscope
from glioscope.bundles import build_channels
from glioscope.core import (
    AmbiguousExam,
    GlioscopeError,
    Grid,
    InputUnreadable,
    InvalidImage,
    MissingSequence,
    Transform,
    Volume,
    read_labels,
    read_volume,
    write_volume,
)
from glioscope.preprocessing.transform_files import write_transform
from glioscope.workflows.earlier_exam import tumour_mask
from tests.training.tiny_cohort import write_tiny_cohort, write_tiny_exam
from tests.workflows.earlier_exams import SHIFT, write_after, write_back, write_before

pytest.importorskip("torch")
pytest.importorskip("dynamic_network_architectures")


@pytest.fixture(autouse=True)
def plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bundles and choices of the test alone, and no measuring of engines."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    from glioscope.inference import variant

    monkeypatch.setattr(variant, "openvino_installed", lambda: False)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """What networks were given, one array (C, X, Y, Z) an exam."""
    given: list[np.ndarray] = []

    def keeping(*arguments: Any) -> np.ndarray:
        given.append(build_channels(*arguments))
        return given[-1]

    monkeypatch.setattr("glioscope.segmentation.bundle_segmenter.build_channels", keeping)
    return given


def segmented(exam: Path, out: Path, **more: Any) -> Any:
    outcomes = glioscope.segment(exam, out, jobs=1, **more)
    outcomes.check()
    return outcomes.exams[0]


def provenance(out: Path, name: str = "sub-after") -> dict[str, Any]:
    document = json.loads((out / name / "provenance.json").read_text())
    return {step["name"]: step for step in document["steps"]}


def test_the_channels_show_the_earlier_exam_on_the_voxels_of_the_later(tmp_path: Path, seen: list[np.ndarray]) -> None:
    after, bundle = write_after(tmp_path), write_back(tmp_path / "back")
    before = write_before(tmp_path)
    out = tmp_path / "out"
    segmented(after, out, segmenter=str(bundle), earlier=before)

    image = read_volume(after / "after-t1c.nii.gz").data
    brain = np.any([read_volume(file).data != 0 for file in after.glob("*.nii.gz")], axis=0)
    box = tuple(slice(int(i.min()), int(i.max()) + 1) for i in np.nonzero(brain))
    t1c, earlier, tumour = seen[0]
    np.testing.assert_allclose(t1c, image[box], atol=1e-3)
    expected = np.zeros(brain.shape, np.float32)
    place = tuple(slice(s, None) for s in SHIFT)
    expected[place] = read_volume(before / "past-t1c.nii.gz").reoriented("RAS").data
    np.testing.assert_allclose(earlier, (expected * brain)[box], atol=1e-3)
    expected[place] = read_labels(before / "past-seg.nii.gz").reoriented("RAS").data > 0
    np.testing.assert_array_equal(tumour, (expected * brain)[box])
    assert tumour.any()

    step = provenance(out)["segment-toy"]
    assert step["facts"]["earlier"] == {"sources": ["pre-mask", "pre-t1c"], "mask": "its own label map"}
    assert {"earlier.pre-t1c", "earlier.pre-mask"} <= step["inputs"].keys()
    assert (out / "sub-after" / "ses-earlier" / "provenance.json").is_file()
    assert not any((out / "sub-after" / "ses-earlier").rglob("measurements.json"))


def test_a_repeated_run_does_nothing_and_another_earlier_exam_is_looked_at(tmp_path: Path) -> None:
    after, bundle, out = write_after(tmp_path), str(write_back(tmp_path / "back")), tmp_path / "out"
    first, second = write_before(tmp_path / "1", 2), write_before(tmp_path / "2", 3)
    segmented(after, out, segmenter=bundle, earlier=first)
    answer = provenance(out)["segment-toy"]["outputs"]
    assert segmented(after, out, segmenter=bundle, earlier=first).unchanged
    assert not segmented(after, out, segmenter=bundle, earlier=second).unchanged
    assert provenance(out)["segment-toy"]["outputs"]["probabilities.WT"] != answer["probabilities.WT"]
    segmented(after, out, segmenter=bundle, earlier=first)
    assert provenance(out)["segment-toy"]["outputs"] == answer


def test_an_earlier_exam_without_a_label_map_is_segmented_first(tmp_path: Path, seen: list[np.ndarray]) -> None:
    after, bundle, out = write_after(tmp_path), write_back(tmp_path / "back"), tmp_path / "out"
    before = write_before(tmp_path, labels=False)
    segmented(after, out, segmenter=str(bundle), earlier=before)
    assert provenance(out)["segment-toy"]["facts"]["earlier"]["mask"] == "default, TC"
    assert "segment-default" in provenance(out, "sub-after/ses-earlier")
    anat = out / "sub-after" / "ses-earlier" / "anat"
    labels = read_labels(anat / "sub-after_ses-earlier_space-orig_seg-default_dseg.nii.gz")
    mask = read_labels(anat / "sub-after_ses-earlier_space-orig_desc-tumour_mask.nii.gz")
    np.testing.assert_array_equal(mask.data > 0, np.isin(labels.data, (1, 3)))


def test_a_zip_is_unpacked_for_as_long_as_it_is_needed(tmp_path: Path, seen: list[np.ndarray]) -> None:
    after, bundle, out = write_after(tmp_path), str(write_back(tmp_path / "back")), tmp_path / "out"
    before = write_before(tmp_path)
    segmented(after, tmp_path / "plain", segmenter=bundle, earlier=before)
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", before)
    segmented(after, out, segmenter=bundle, earlier=packed)
    np.testing.assert_array_equal(seen[0], seen[1])
    assert not any((out / ".glioscope").glob("unpacked-*"))


def test_a_manifest_names_the_earlier_exam_of_each(tmp_path: Path, seen: list[np.ndarray]) -> None:
    write_before(tmp_path)
    for name in ("a", "b", "c"):
        write_after(tmp_path, name)
    table = tmp_path / "exams.csv"
    files = "past/past-t1c.nii.gz,past/past-seg.nii.gz"
    table.write_text(f"id,path,earlier,pre-t1c,pre_mask\na,a,past,,\nb,b,,{files}\nc,c,,,\n")
    bundle, out = str(write_back(tmp_path / "back")), tmp_path / "out"
    a, b, c = glioscope.segment(table, out, segmenter=bundle, jobs=1).exams
    assert (a.error, b.error) == (None, None)
    assert isinstance(c.error, MissingSequence)
    np.testing.assert_array_equal(seen[0], seen[1])
    assert provenance(out, "sub-a")["segment-toy"]["facts"]["earlier"]["mask"] == "its own label map"
    assert provenance(out, "sub-b")["segment-toy"]["facts"]["earlier"]["mask"] == "given"
    assert not (out / "sub-b" / "ses-earlier").exists()
    assert glioscope.segment(table, tmp_path / "other", segmenter="flair-threshold", jobs=1).failed == ()
    table.write_text("id,path,earlier\na,a,nowhere\n")
    (a,) = glioscope.segment(table, tmp_path / "third", segmenter=bundle).exams
    assert "'nowhere' for 'a', which does not exist" in str(a.error)


FAULTS: dict[str, tuple[type[GlioscopeError], str]] = {
    "none": (
        MissingSequence,
        r"needs the T1 \+ contrast and the tumour mask of an earlier exam; give that exam with --earlier",
    ),
    "not there": (InputUnreadable, "'.*' does not exist"),
    "not asked for": (InvalidImage, "'flair-threshold' looks at no earlier exam"),
    "auto": (InvalidImage, "'auto' looks at no earlier exam"),
    "no t1c": (MissingSequence, r"'toy' needs the T1 \+ contrast of an earlier exam, which 'past' lacks"),
    "no mask": (MissingSequence, "'past' has no tumour mask, and none can be made: With T1 .* do not rely on it"),
    "two masks": (AmbiguousExam, "has 2 label maps"),
    "two exams": (AmbiguousExam, "'cohort' holds 2 exams; name the one before surgery"),
    "no image": (InputUnreadable, "The earlier exam 'past' cannot be used: "),
    "another space": (
        InvalidImage,
        r"does not come to the space of sub-after: the brains of 'past-t1c.nii.gz' and 'after-t1c",
    ),
    "cohort": (AmbiguousExam, "'cohort' holds 2 exams, so --earlier cannot be meant for all; name .* column 'earlier'"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_costs_a_sentence_before_any_work(tmp_path: Path, fault: str) -> None:
    after, segmenter = write_after(tmp_path), str(write_back(tmp_path / "back"))
    earlier: Path | None = write_before(tmp_path, labels=fault != "no mask", shift_mm=60 if fault == "another space" else 0)
    assert earlier
    if fault == "none":
        earlier = None
    elif fault == "not there":
        earlier = tmp_path / "nowhere"
    elif fault in ("not asked for", "auto"):
        segmenter = "flair-threshold" if fault == "not asked for" else "auto"
    elif fault == "no t1c":
        (earlier / "past-t1c.nii.gz").unlink()
    elif fault == "no mask":
        for name in ("t1n", "t2w", "t2f"):
            (earlier / f"past-{name}.nii.gz").unlink()
    elif fault == "two masks":
        shutil.copy(earlier / "past-seg.nii.gz", earlier / "past-mask.nii.gz")
    elif fault == "two exams":
        earlier = write_tiny_cohort(tmp_path / "cohort", 2)
    elif fault == "no image":
        for file in earlier.glob("*.nii.gz"):
            file.unlink()
    elif fault == "cohort":
        after = write_tiny_cohort(tmp_path / "cohort", 2)
    error, sentence = FAULTS[fault]
    out = tmp_path / "out"
    with pytest.raises(error, match=sentence) as raised:
        glioscope.segment(after, out, segmenter=segmenter, earlier=earlier).check()
    assert "\n" not in str(raised.value)
    assert str(raised.value).endswith(".")
    assert not any(out.glob("sub-*"))


def test_an_exam_that_is_its_own_earlier_one_shows_the_same_twice(tmp_path: Path, seen: list[np.ndarray]) -> None:
    exam = write_tiny_exam(tmp_path, "x", 1)
    segmented(exam, tmp_path / "out", segmenter=str(write_back(tmp_path / "back")), earlier=exam)
    np.testing.assert_array_equal(seen[0][0], seen[0][1])


def test_a_label_map_drawn_on_the_native_image_comes_to_the_atlas(tmp_path: Path) -> None:
    native, atlas = Grid((12, 10, 8), np.diag([2.0, 2, 2, 1])), Grid((16, 12, 10), np.diag([2.0, 2, 2, 1]))
    labels = np.random.default_rng(0).integers(0, 3, native.shape).astype(np.uint8)
    write_volume(tmp_path / "labels.nii.gz", Volume(labels, native))
    write_volume(tmp_path / "brain.nii.gz", Volume(np.ones(atlas.shape, np.uint8), atlas))
    to_native = np.eye(4)
    to_native[:3, 3] = (-6, -2, 0)  # an atlas voxel (3, 1, 0) shows the native voxel (0, 0, 0)
    write_transform(tmp_path / "pose.h5", Transform(to_native))
    files = {"labels": tmp_path / "labels.nii.gz", "grid": tmp_path / "brain.nii.gz", "transform": tmp_path / "pose.h5"}
    for values in ([], [2]):
        tumour_mask(**files, values=values, output=tmp_path / "mask.nii.gz")
        found = read_labels(tmp_path / "mask.nii.gz")
        assert found.grid.same_as(atlas)
        expected = np.zeros(atlas.shape, bool)
        expected[3:15, 1:11, :8] = np.isin(labels, values or (1, 2))
        np.testing.assert_array_equal(found.data > 0, expected)
