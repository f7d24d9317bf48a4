"""From prepared files to label maps on both grids."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from glioscope.core import (
    Exam,
    Grid,
    InvalidImage,
    Ledger,
    MissingSequence,
    Prepared,
    Sequence,
    Transform,
    Volume,
    get_scheme,
    read_labels,
    read_volume,
    resample,
    write_volume,
)
from glioscope.segmentation import get_segmenter
from glioscope.segmentation.bundle_segmenter import BundleSegmenter
from glioscope.segmentation.fake import FakeSegmenter
from glioscope.workflows import segment_exam as module
from glioscope.workflows import stages as stages_module
from glioscope.workflows.progress import Progress
from glioscope.workflows.rater_cases import label_maps
from glioscope.workflows.segment_exam import EarlierFiles, check_scheme, scheme_for, segment_exam
from glioscope.workflows.stages import Stages
from tests.bundles.toy import document_of, write_toy
from tests.segmentation.phantoms import dice, phantom


def prepared_in(folder: Path, native: Grid | None) -> Prepared:
    images, brain, _ = phantom()
    files = {s: folder / f"{s}.nii.gz" for s in images}
    for s, v in images.items():
        write_volume(files[s], v)
    write_volume(folder / "brain.nii.gz", brain)
    exam = Exam("A1", None, files, prepared=native is None)
    if native is None:
        return Prepared(exam, "orig", files, folder / "brain.nii.gz", files, folder / "brain.nii.gz", None)
    write_volume(folder / "native.nii.gz", Volume(np.ones(native.shape, bool), native))
    (folder / "transform").write_text("stands for a file that the reader knows")
    return Prepared(exam, "SRI24", files, folder / "brain.nii.gz", files, folder / "native.nii.gz", folder / "transform")


def test_an_exam_on_its_own_grid(tmp_path: Path) -> None:
    prepared = prepared_in(tmp_path, None)
    done = segment_exam(prepared, tmp_path / "out", "flair-threshold", Ledger(tmp_path / "ledger"), scheme="brats-2021")
    anat = tmp_path / "out" / "sub-A1" / "anat"
    assert done.labels == done.native_labels == anat / "sub-A1_space-orig_seg-flairthreshold_dseg.nii.gz"
    assert done.probabilities == {"WT": anat / "sub-A1_space-orig_seg-flairthreshold_label-WT_probseg.nii.gz"}
    assert sorted(p.name for p in anat.iterdir()) == [
        "sub-A1_space-orig_seg-flairthreshold_dseg.nii.gz",
        "sub-A1_space-orig_seg-flairthreshold_dseg.tsv",
        "sub-A1_space-orig_seg-flairthreshold_label-WT_probseg.nii.gz",
    ]
    assert done.tsv.read_text().splitlines()[0] == "index\tname\tcolor\tabbreviation"
    assert done.tsv.read_text().splitlines()[-1] == "4\tenhancing tumour\t#EE6677\tET"


@pytest.mark.parametrize("swapped", [False, True])
def test_swapped_t1_images_are_told_at_once(swapped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the report of `run` said so; `segment` gave its label map without a word."""
    prepared = prepared_in(tmp_path, None)
    files = dict(prepared.images)
    if swapped:
        files[Sequence.T1C], files[Sequence.T1N] = files[Sequence.T1N], files[Sequence.T1C]
    heard: list[str] = []
    stages = Stages(tmp_path / "out", "subtraction", progress=_Listener(heard), jobs=1)
    monkeypatch.setattr(Stages, "_choose", lambda *_: "subtraction")
    monkeypatch.setattr(Stages, "_prepare", lambda *_: replace(prepared, images=files))
    monkeypatch.setattr(Stages, "_finish", lambda *_: None)
    monkeypatch.setattr(stages_module, "find_earlier", lambda *_: nullcontext())
    monkeypatch.setattr(stages_module, "check_before_work", lambda *_: None)
    stages.segment(cast("Any", None), Ledger(tmp_path / "ledger"))
    assert ["T1 + contrast and T1 look swapped" in line for line in heard] == [True] * swapped


class _Listener(Progress):
    def __init__(self, heard: list[str]) -> None:
        self._heard = heard

    def warned(self, sentence: str) -> None:
        self._heard.append(sentence)


def test_back_on_a_thick_oblique_native_grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    to_atlas = np.eye(4)
    to_atlas[:3, 3] = [4.0, -3, 2]
    affine = np.array([[-0.9, 0.1, 0, 70], [0.1, 0.9, 0, -6], [0, 0, 4, -4], [0, 0, 0, 1]])
    native = Grid((81, 83, 20), affine)
    monkeypatch.setattr(module, "_read_transform", lambda path: Transform(to_atlas) if path else None)
    prepared = prepared_in(tmp_path, native)
    done = segment_exam(prepared, tmp_path / "out", "subtraction", Ledger(tmp_path / "ledger"))
    assert done.labels.name == "sub-A1_space-SRI24_seg-subtraction_dseg.nii.gz"
    assert list(done.probabilities) == ["WT", "TC", "ET"]
    atlas, home = read_labels(done.labels), read_labels(done.native_labels)
    assert home.grid.shape == native.shape
    np.testing.assert_allclose(home.grid.affine, affine, atol=1e-5)
    again = resample(home.with_data((home.data > 0).astype(np.float32)), atlas.grid, Transform(to_atlas).inverse())
    assert dice(again.data > 0.5, atlas.data > 0) > 0.9
    ml = [float((v.data > 0).sum()) * v.grid.voxel_volume / 1000 for v in (home, atlas)]
    assert ml[0] == pytest.approx(ml[1], rel=0.05)
    probability = read_volume(done.probabilities["WT"])
    assert probability.grid.same_as(home.grid)
    assert dice(probability.data > 0.5, home.data > 0) > 0.9


def test_an_earlier_exam_in_the_atlas_comes_to_the_native_grid_of_a_segmenter_that_works_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("dynamic_network_architectures")
    inputs = {"channels": ["t1c", "pre-t1c"], "normalisation": "none"}
    grid = {"space": "native", "spacing": None, "orientation": "RAS"}
    inference = {"patch": [96, 96, 96], "overlap": 0.5, "mirror": False}
    write_toy(tmp_path / "back", document=document_of(inputs=inputs, grid=grid, inference=inference))
    prepared = prepared_in(tmp_path, None)
    whole = read_volume(prepared.images[Sequence.T1C])
    to_atlas = np.eye(4)
    to_atlas[:3, 3] = whole.grid.affine[:3, :3] @ (3, 2, 5)  # three voxels further, two and five
    home = replace(
        prepared,
        space="SRI24",
        to_native=tmp_path / "transform",
        native_images=prepared.images,
        native_brain_mask=prepared.brain_mask,
    )
    (tmp_path / "transform").write_text("stands for a file that the reader knows")
    monkeypatch.setattr(module, "_read_transform", lambda path: Transform(to_atlas) if path else None)
    given: list[tuple[Volume, Mapping[str, Volume]]] = []

    def stop(_: BundleSegmenter, images: Any, brain: Volume, earlier: Mapping[str, Volume]) -> None:
        given.append((brain, earlier))
        raise _Seen

    monkeypatch.setattr(BundleSegmenter, "seen", stop)
    with pytest.raises(_Seen):
        segment_exam(
            home,
            tmp_path / "out",
            str(tmp_path / "back"),
            Ledger(tmp_path / "ledger"),
            earlier=EarlierFiles({"pre-t1c": prepared.images[Sequence.T1C]}),
        )
    ((brain, earlier),) = given
    start = np.add(np.rint(whole.grid.to_index(brain.grid.affine[:3, 3])).astype(int), (3, 2, 5))
    size = [min(n, m - s) for n, m, s in zip(brain.grid.shape, whole.grid.shape, start, strict=True)]
    part = tuple(slice(s, s + n) for s, n in zip(start, size, strict=True))
    found = earlier["pre-t1c"].data[tuple(slice(n) for n in size)]
    np.testing.assert_allclose(found, whole.data[part], atol=1e-2)


def test_a_scheme_without_the_segmenters_labels_is_refused_with_the_one_to_take() -> None:
    check_scheme(get_segmenter("subtraction"), "brats-2021")
    with pytest.raises(InvalidImage, match=r"does not exist in 'residual'; write the results with --scheme brats-2023\.$"):
        check_scheme(get_segmenter("subtraction"), "residual")


def test_unasked_the_scheme_is_the_usual_one_or_the_segmenters_own() -> None:
    cavity = FakeSegmenter(Volume.of(np.zeros((2, 2, 2), np.uint8), np.eye(4)), get_scheme("brats-2024-gli"))
    assert scheme_for(get_segmenter("subtraction"), "auto") == "brats-2023"
    assert scheme_for(get_segmenter("subtraction"), "brats-2021") == "brats-2021"
    assert scheme_for(cavity, "auto") == "brats-2024-gli"
    with pytest.raises(InvalidImage, match="does not exist in 'brats-2023'"):
        scheme_for(cavity, "brats-2023")


class _Seen(Exception):
    """Enough was seen."""


def test_a_second_run_does_nothing_and_a_missing_sequence_is_refused_first(tmp_path: Path) -> None:
    prepared = prepared_in(tmp_path, None)
    segment_exam(prepared, tmp_path / "out", "flair-threshold", Ledger(tmp_path / "ledger"))
    ledger = Ledger(tmp_path / "ledger")
    segment_exam(prepared, tmp_path / "out", "flair-threshold", ledger)
    assert ledger.records["segment-flair-threshold"].reused
    poor = Prepared(
        prepared.exam,
        "orig",
        {Sequence.T1C: prepared.images[Sequence.T1C]},
        prepared.brain_mask,
        {},
        prepared.native_brain_mask,
        None,
    )
    with pytest.raises(MissingSequence, match="needs FLAIR"):
        segment_exam(poor, tmp_path / "other", "flair-threshold", ledger)
    assert not (tmp_path / "other").exists()


def test_the_views_of_the_best_effort_are_raters_until_they_are_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("dynamic_network_architectures")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("glioscope.inference.variant.openvino_installed", lambda: False)
    write_toy(tmp_path / "toy")
    prepared, out, ledger = prepared_in(tmp_path, None), tmp_path / "out", Ledger(tmp_path / "ledger")
    segment_exam(prepared, out, str(tmp_path / "toy"), ledger, effort="best")
    raters = label_maps(out / "sub-A1")
    assert sorted(raters) == ["toyview0", "toyview1", "toyview2", "toyview3"]
    assert set(np.unique(read_labels(raters["toyview2"]).data)) <= {0, 1, 2, 3}
    plain = segment_exam(prepared, out, str(tmp_path / "toy"), ledger)
    assert plain.facts["effort"] == "standard"
    assert sorted(label_maps(out / "sub-A1")) == ["toy"]
