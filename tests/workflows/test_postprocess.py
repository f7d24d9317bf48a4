"""`glioscope postprocess`, and post-processing inside `segment`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from typer.testing import CliRunner

import glioscope
from glioscope.cli import tune as command
from glioscope.core import (
    AmbiguousExam,
    GlioscopeError,
    InputUnreadable,
    InvalidImage,
    Ledger,
    OutputUnwritable,
    Volume,
    read_labels,
    read_probabilities,
    write_volume,
)
from glioscope.postprocessing import (
    Chain,
    MinimumVolume,
    RaterWeights,
    Record,
    RemoveDust,
    Size,
    Thresholds,
    published_chain,
    save_postprocessing,
)
from glioscope.workflows.postprocess import postprocess, undo_postprocess
from glioscope.workflows.segment_exam import segment_exam, segment_step
from tests.postprocessing.maps import BRATS
from tests.workflows.test_segment_exam import prepared_in

OBLIQUE = np.array([[-0.9, 0.1, 0, 70], [0.1, 0.9, 0, -6], [0, 0, 4, -4], [0, 0, 0, 1]])  # a voxel of 3.2 mm3


def put(path: Path, data: NDArray[np.generic], affine: NDArray[np.float64] = OBLIQUE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_volume(path, Volume.of(data, affine))
    return path


def maps(value: float = 0.9) -> dict[str, NDArray[np.float32]]:
    wt = np.zeros((12, 10, 6), np.float32)
    wt[2:9, 2:8, 1:5] = value  # 168 voxels, 537.6 mm3
    wt[11, 9, 5] = value
    tc = np.zeros_like(wt)
    tc[3:7, 3:7, 2:4] = value  # 32 voxels, 102.4 mm3
    return {"WT": wt, "TC": tc, "ET": np.zeros_like(wt)}


@pytest.mark.parametrize(
    "name", ["c1/{}.nii.gz", "c1-{}.nii.gz", "c1_{}.nii", "sub-c1/anat/sub-c1_space-orig_seg-x_label-{}_probseg.nii.gz"]
)
def test_region_maps_by_any_common_name(tmp_path: Path, name: str) -> None:
    for region, values in maps().items():
        put(tmp_path / "in" / name.format(region), values)
    (done,) = postprocess(tmp_path / "in", tmp_path / "out" / "c.nii.gz")
    assert done.id in ("c1", "sub-c1")
    found = read_labels(done.labels)
    np.testing.assert_allclose(found.grid.affine, OBLIQUE, atol=1e-5)
    expected = np.zeros((12, 10, 6), np.uint8)
    expected[2:9, 2:8, 1:5] = 2
    expected[3:7, 3:7, 2:4] = 1
    np.testing.assert_array_equal(found.data, expected)
    document = json.loads(done.record_file.read_text())
    assert document["thresholds"] == {"WT": 0.45, "TC": 0.4, "ET": 0.45}
    (change,) = document["changes"]
    assert change == {
        "step": "remove-dust", "region": "WT", "after": 0, "voxels": 1, "volume_mm3": 3.28, "runs": "719+1=2",
    }  # fmt: skip


def test_label_maps_of_a_cohort_and_back_again(tmp_path: Path) -> None:
    for case in ("a", "b"):
        labels = np.zeros((12, 10, 6), np.uint8)
        labels[2:9, 2:8, 1:5] = 2
        labels[4, 4, 3] = 4 if case == "a" else 0
        put(tmp_path / "in" / f"{case}_seg.nii.gz", labels)
    done = postprocess(tmp_path / "in", tmp_path / "out", given_scheme="brats-2021")
    assert [(d.id, d.labels.name) for d in done] == [("a", "a.nii.gz"), ("b", "b.nii.gz")]
    found = read_labels(done[0].labels).data
    assert found[4, 4, 3] == 2  # too little ET; its hole is oedema
    assert done[1].record.changes == ()
    first = done[0].labels.read_bytes(), done[0].record_file.read_bytes()
    postprocess(tmp_path / "in", tmp_path / "out", given_scheme="brats-2021")
    assert (done[0].labels.read_bytes(), done[0].record_file.read_bytes()) == first
    back = undo_postprocess(done[0].labels, done[0].record_file, tmp_path / "back.nii.gz")
    assert read_labels(back).data[4, 4, 3] == 3
    with pytest.raises(InvalidImage, match="does not belong"):
        undo_postprocess(back, done[0].record_file, tmp_path / "again.nii.gz")
    with pytest.raises(InputUnreadable, match="cannot be read as the record"):
        undo_postprocess(back, back, tmp_path / "again.nii.gz")
    assert not (tmp_path / "again.nii.gz").exists()


def test_several_raters_are_weighed(tmp_path: Path) -> None:
    for rater, value in (("one", 0.9), ("two", 0.3)):
        for region, values in maps(value).items():
            put(tmp_path / rater / f"c_{region}.nii.gz", values)
    both = [tmp_path / "one", tmp_path / "two"]
    half = Thresholds({"WT": 0.65})  # the mean is 0.6
    for weights, voxels in (({"one": 1.0, "two": 1.0}, 0), ({"one": 3.0, "two": 1.0}, 169)):
        save_postprocessing(tmp_path / "w.json", Chain((), half, RaterWeights({"WT": weights})))
        (done,) = postprocess(both, tmp_path / "o.nii.gz", steps=tmp_path / "w.json")
        assert (read_labels(done.labels).data > 0).sum() == voxels
        (turned,) = postprocess(both[::-1], tmp_path / "p.nii.gz", steps=tmp_path / "w.json")
        assert turned.labels.read_bytes() == done.labels.read_bytes()
    with pytest.raises(InvalidImage, match="two is not among the raters"):
        postprocess(tmp_path / "one", tmp_path / "q.nii.gz", steps=tmp_path / "w.json")


def _two_of_one(folder: Path) -> None:
    put(folder / "c_seg-x_WT.nii.gz", maps()["WT"])
    put(folder / "sub-c_a_WT.nii.gz", maps()["WT"])
    put(folder / "sub-c_b_WT.nii.gz", maps()["WT"])


def _grids(folder: Path) -> None:
    put(folder / "c_WT.nii.gz", maps()["WT"])
    put(folder / "c_TC.nii.gz", maps()["TC"], np.diag([1.0, 1, 3, 1]))


def _nan(folder: Path) -> None:
    put(folder / "c_WT.nii.gz", np.where(maps()["WT"] > 0, np.nan, 0).astype(np.float32))


def _percent(folder: Path) -> None:
    put(folder / "c_WT.nii.gz", (maps()["WT"] * 100).astype(np.float32))


def _label_5(folder: Path) -> None:
    put(folder / "c.nii.gz", np.full((3, 3, 3), 5, np.uint8))


def _nothing(folder: Path) -> None:
    folder.mkdir()


@pytest.mark.parametrize(
    ("spoil", "kind", "told"),
    [
        (_two_of_one, AmbiguousExam, "two maps of WT"),
        (_grids, InvalidImage, r"different grids \(12x10x6 voxels of 0.906x0.906x4 mm, LAS and 12x10x6 voxels of 1x1x3"),
        (_nan, InvalidImage, "values that are not finite"),
        (_percent, InvalidImage, "values from 0 to 90, not from 0 to 1"),
        (_label_5, InvalidImage, "'c.nii.gz': The label map has the value 5"),
        (_nothing, InputUnreadable, "no label map"),
    ],
)
def test_bad_input_costs_a_sentence(tmp_path: Path, spoil: object, kind: type[GlioscopeError], told: str) -> None:
    assert callable(spoil)
    spoil(tmp_path / "in")
    with pytest.raises(kind, match=told) as caught:
        postprocess(tmp_path / "in", tmp_path / "out.nii.gz")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out.nii.gz").exists()


def test_one_file_cannot_hold_two_cases(tmp_path: Path) -> None:
    for case in "ab":
        put(tmp_path / "in" / f"{case}_WT.nii.gz", maps()["WT"])
    with pytest.raises(OutputUnwritable, match="must be a folder for 2 cases"):
        postprocess(tmp_path / "in", tmp_path / "out.nii.gz")


def test_the_command(tmp_path: Path) -> None:
    app = typer.Typer()
    command.register(app)
    for region, values in maps().items():
        put(tmp_path / "in" / f"c_{region}.nii.gz", values)
    out = tmp_path / "out.nii.gz"
    told = CliRunner().invoke(app, ["postprocess", str(tmp_path / "in"), "-o", str(out)])
    assert told.exit_code == 0
    assert "remove-dust: 1 component of WT removed, 3 mm3" in told.stdout
    document = json.loads(CliRunner().invoke(app, ["postprocess", str(tmp_path / "in"), "-o", str(out), "--json"]).stdout)
    assert document["cases"][0]["changes"][0]["volume_mm3"] == 3.28
    undone = CliRunner().invoke(
        app, ["postprocess", str(out), "-o", str(tmp_path / "b.nii"), "--undo", str(tmp_path / "out_changes.json"), "--json"]
    )
    assert read_labels(Path(json.loads(undone.stdout)["labels"])).data[11, 9, 5] == 2


def test_in_segment_the_chain_makes_the_label_map(tmp_path: Path) -> None:
    prepared = prepared_in(tmp_path, None)
    chain = Chain((RemoveDust({"WT": Size(50)}),), Thresholds({"WT": 0.2, "TC": 0.5, "ET": 0.5}))
    done = segment_exam(
        prepared, tmp_path / "out", "subtraction", Ledger(tmp_path / "l2"), scheme="brats-2021", postprocess=chain
    )
    found = read_labels(done.native_labels)
    values = {r: read_probabilities(p).data for r, p in done.probabilities.items()}
    expected, _ = chain.from_probabilities(values, BRATS, found.grid.voxel_volume)
    np.testing.assert_array_equal(np.where(found.data == 4, 3, found.data), expected)
    assert (found.data > 0).sum() > (values["WT"] > 0.5).sum() > 0  # a lower threshold than the segmenter's own
    sidecar = json.loads(done.labels.with_name(done.labels.name.replace(".nii.gz", ".json")).read_text())["PostProcessing"]
    assert sidecar["thresholds"] == {"WT": 0.2, "TC": 0.5, "ET": 0.5}
    assert Record.of_document(sidecar).shape == found.grid.shape
    assert done.facts["postprocessing"]["thresholds"]["WT"] == 0.2
    assert found.grid.voxel_volume == pytest.approx(sidecar["voxel_mm3"])
    ledger = Ledger(tmp_path / "l2")
    segment_exam(prepared, tmp_path / "out", "subtraction", ledger, scheme="brats-2021", postprocess=chain)
    assert ledger.records["segment-subtraction"].reused
    other = segment_step(prepared, tmp_path / "out", "subtraction", scheme="brats-2021", postprocess=published_chain(BRATS))
    assert other.parameters["postprocess"] != ledger.records["segment-subtraction"].parameters["postprocess"]


def test_steps_alone_work_on_the_segmenters_own_labels(tmp_path: Path) -> None:
    prepared = prepared_in(tmp_path, None)
    chain = Chain((MinimumVolume({"WT": Size(1e6)}),))
    done = segment_exam(prepared, tmp_path / "out", "subtraction", Ledger(tmp_path / "l"), postprocess=chain)
    assert not read_labels(done.native_labels).data.any()
    assert done.facts["postprocessing"]["changes"][0]["step"] == "minimum-volume"
    assert sorted(p.suffix for p in done.labels.parent.glob("*_dseg.*")) == [".gz", ".json", ".tsv"]
    segment_exam(prepared, tmp_path / "out", "subtraction", Ledger(tmp_path / "l"))
    assert sorted(p.suffix for p in done.labels.parent.glob("*_dseg.*")) == [".gz", ".tsv"]  # its record is gone with it
    assert read_labels(done.native_labels).data.any()


def test_what_is_worked_on_is_never_overwritten(tmp_path: Path) -> None:
    given = put(tmp_path / "in" / "c1.nii.gz", np.ones((4, 4, 4), np.uint8))
    before = given.read_bytes()
    for out in (given, tmp_path / "in"):
        with pytest.raises(OutputUnwritable, match=r"c1\.nii\.gz' is what is to be worked on"):
            postprocess(given, out)
    done = postprocess(given, tmp_path / "out.nii.gz")[0]
    for out in (done.labels, done.record_file):
        with pytest.raises(OutputUnwritable, match="is what is to be worked on"):
            undo_postprocess(done.labels, done.record_file, out)
    assert given.read_bytes() == before


def test_a_file_that_is_no_good_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(InputUnreadable, match=r"'bad\.json' is not a file for post-processing"):
        glioscope.segment(tmp_path / "nowhere", tmp_path / "out", postprocess=tmp_path / "bad.json")
    save_postprocessing(tmp_path / "two.json", Chain((), None, RaterWeights({"WT": {"a": 1, "b": 1}})))
    with pytest.raises(InvalidImage, match="weighs a, b, and one segmenter runs here"):
        glioscope.run(tmp_path / "nowhere", tmp_path / "out", postprocess=tmp_path / "two.json")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["pp.png", "pp.json", "pp.mha", "pp.NII.zip"])
def test_a_name_that_is_no_label_map_makes_no_folder(tmp_path: Path, name: str) -> None:
    given = put(tmp_path / "in" / "a_WT.nii.gz", maps()["WT"])
    with pytest.raises(OutputUnwritable, match="is no name for a label map; let it end in"):
        postprocess(given, tmp_path / name)
    labels = postprocess(given, tmp_path / "done.nii.gz")[0]
    with pytest.raises(OutputUnwritable, match="is no name for a label map"):
        undo_postprocess(labels.labels, labels.record_file, tmp_path / name)
    assert not (tmp_path / name).exists()
    (tmp_path / name).mkdir()
    (one,) = postprocess(given, tmp_path / name)  # a folder that is there is a folder, whatever its name
    assert one.labels.parent == tmp_path / name


def test_a_folder_may_have_a_dot_in_its_name_and_a_file_may_not_be_a_folder(tmp_path: Path) -> None:
    given = put(tmp_path / "in" / "a_WT.nii.gz", maps()["WT"])
    (one,) = postprocess(given, tmp_path / "results-1.2")
    assert one.labels == tmp_path / "results-1.2" / "a.nii.gz"
    (tmp_path / "f.nii.gz").mkdir()
    with pytest.raises(OutputUnwritable, match="is a folder; name a NIfTI file"):
        postprocess(given, tmp_path / "f.nii.gz")


@pytest.mark.parametrize("name", ["a.nii.gz", "a_WT.nii.gz"])
def test_a_mask_of_nan_or_of_two_axes_says_so(tmp_path: Path, name: str) -> None:
    import nibabel as nib

    nan = put(tmp_path / "nan" / name, np.full((4, 4, 4), np.nan, np.float32))
    with pytest.raises(InvalidImage, match=rf"'{name}'.* not finite") as error:
        postprocess(nan, tmp_path / "f.nii.gz")
    assert "\n" not in str(error.value)
    (tmp_path / "flat").mkdir()
    nib.Nifti1Image(np.ones((4, 4), np.uint8), np.eye(4)).to_filename(tmp_path / "flat" / name)
    with pytest.raises(InvalidImage, match=rf"'{name}' is a 2-D image"):
        postprocess(tmp_path / "flat" / name, tmp_path / "f.nii.gz")
