"""The workflow from files to report, and the report again from the disk alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from glioscope.core import Exam, InputUnreadable, Ledger, Prepared, write_volume
from glioscope.core.files import sha256
from glioscope.workflows.dataset import records_folder
from glioscope.workflows.report_exam import Reported, measure_files, rebuild_report, report_exam, reported_folders
from glioscope.workflows.segment_exam import Segmented
from tests.reporting.documents import exam, inspection


def reported(folder: Path, *, sequences: int = 4, tumour: bool = True) -> tuple[Reported, Ledger]:
    images, labels, brain = exam(sequences=sequences, tumour=tumour)
    files = {sequence: folder / "in" / f"{sequence}.nii.gz" for sequence in images}
    for sequence, path in files.items():
        write_volume(path, images[sequence])
    write_volume(folder / "in" / "labels.nii.gz", labels)
    write_volume(folder / "in" / "brain.nii.gz", brain)
    mask, segmentation = folder / "in" / "brain.nii.gz", folder / "in" / "labels.nii.gz"
    prepared = Prepared(Exam("x", None, files, True), "orig", files, mask, files, mask, None)
    segmented = Segmented(
        "subtraction", ("WT", "TC", "ET"), False, "brats-2023", segmentation, segmentation, {}, folder / "in" / "l.tsv", {}
    )
    out = folder / "out"
    ledger = Ledger(records_folder(out, "sub-x"))
    return report_exam(prepared, segmented, inspection(), ledger, out), ledger


@pytest.mark.parametrize(("sequences", "tumour"), [(4, True), (1, True), (4, False)])
def test_report_and_report_again_from_the_output_alone(tmp_path: Path, sequences: int, tumour: bool) -> None:
    first, _ = reported(tmp_path, sequences=sequences, tumour=tumour)
    files = (first.html, first.pdf)
    before = [sha256(path) for path in files]
    for path in (*files, *(tmp_path / "in").iterdir()):
        path.unlink()
    (folder,) = reported_folders(tmp_path / "out")
    again = rebuild_report(tmp_path / "out", folder)
    assert [sha256(path) for path in files] == before
    assert again == first
    assert first.overview.read_bytes().startswith(b"\x89PNG")
    assert json.loads(first.measurements.read_text())["regions"]["WT"]["volume_ml"] == first.results["volumes_ml"]["WT"]
    assert (first.results["volumes_ml"]["WT"] > 0) is tumour


def test_a_repeated_run_does_nothing(tmp_path: Path) -> None:
    reported(tmp_path)
    _, ledger = reported(tmp_path)
    assert all(record.reused for record in ledger.records.values())


def test_pictures_show_the_labels_of_this_run_not_of_the_one_before(tmp_path: Path) -> None:
    # issue 6: a second run with another segmenter says that a picture was done before; that one shows no labels
    before, _ = reported(tmp_path / "x")
    first = [path.read_bytes() for path in (before.overview, before.overview.with_name("montage.png"))]
    after, ledger = reported(tmp_path / "x", tumour=False)
    fresh, _ = reported(tmp_path / "y", tumour=False)
    for name, old in zip(("overview.png", "montage.png"), first, strict=True):
        now = after.overview.with_name(name).read_bytes()
        assert now == fresh.overview.with_name(name).read_bytes() != old
    assert not ledger.records["report-figures"].reused


def test_nothing_to_report_on_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputUnreadable, match="holds no results"):
        reported_folders(tmp_path)


@pytest.mark.parametrize("content", [None, "", "[]", "{"])
def test_a_damaged_document_is_named(tmp_path: Path, content: str | None) -> None:
    first, _ = reported(tmp_path, sequences=1)
    html = first.html.read_bytes()
    first.quality.unlink() if content is None else first.quality.write_text(content)
    with pytest.raises(InputUnreadable, match=r"quality\.json"):
        rebuild_report(tmp_path / "out", tmp_path / "out" / "sub-x")
    assert first.html.read_bytes() == html


@pytest.mark.parametrize("orientation", ["LAS", "RAS", "SPL"])
def test_the_atlas_is_read_in_the_orientation_of_the_exam(tmp_path: Path, orientation: str) -> None:
    _, labels, brain = exam()
    lobes = brain.with_data(np.full(brain.grid.shape, 5, np.uint8))
    lobes.data[45:, 50:] = 7  # the array's first axis runs to the left, the second to the front: left frontal
    halves = brain.with_data(np.full(brain.grid.shape, 1, np.uint8))
    halves.data[40:] = 2
    maps = {"brain_mask": brain, "lobes": lobes, "lateralisation": halves}
    atlas = {name: tmp_path / f"{name}.nii.gz" for name in maps}
    for name, path in atlas.items():
        write_volume(path, maps[name].reoriented(orientation))
    atlas["lobe_names"] = tmp_path / "names.json"
    atlas["lobe_names"].write_text('{"5": "elsewhere", "7": "left frontal lobe"}')
    write_volume(tmp_path / "l.nii.gz", labels)
    write_volume(tmp_path / "b.nii.gz", brain)
    measure_files(
        labels=tmp_path / "l.nii.gz",
        native_labels=tmp_path / "l.nii.gz",
        brain=tmp_path / "b.nii.gz",
        native_brain=tmp_path / "b.nii.gz",
        atlas=atlas,
        segmenter="subtraction",
        scheme="brats-2023",
        known=["WT", "TC", "ET"],
        exam={},
        measurements=tmp_path / "m.json",
    )
    share = json.loads((tmp_path / "m.json").read_text())["location"]["regions"]["TC"]
    assert (share["side"], share["lobes_percent"]) == ("left", {"left frontal lobe": 100.0})
