"""`glioscope measure` of label maps and of results folders, and the words typed for it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from glioscope.cli.measurement import register
from glioscope.core import AmbiguousExam, GlioscopeError, InputUnreadable, InvalidImage, Volume, write_volume
from glioscope.workflows.measure import measure

APP = typer.Typer()
APP.callback()(lambda: None)  # an app of one command takes no name of a command
register(APP)
AFFINE = np.diag([1.0, 1.0, 3.0, 1.0])


def labels(size: int = 12) -> Volume:
    data = np.zeros((40, 40, 20), np.uint8)
    data[4 : 4 + size, 4:18, 3:9] = 2
    data[6:16, 6:16, 4:8] = 3
    return Volume.of(data, AFFINE)


def segmented(out: Path, name: str = "net", size: int = 12, *, exam: str = "sub-a") -> Path:
    """A results folder as `segment` leaves it, on the native grid alone."""
    anat = out / exam / "anat"
    write_volume(anat / f"{exam}_space-orig_seg-{name}_dseg.nii.gz", labels(size))
    write_volume(anat / f"{exam}_space-orig_desc-brain_mask.nii.gz", Volume.of(np.ones((40, 40, 20), np.uint8), AFFINE))
    (out / "dataset_description.json").write_text("{}")
    (out / exam / "inspection.json").write_text(json.dumps({"id": "a", "session": None}))
    return out / exam


def test_a_label_map_alone_says_what_cannot_be_told(tmp_path: Path) -> None:
    write_volume(tmp_path / "t.nii.gz", labels())
    found = measure(tmp_path / "t.nii.gz", space="none", out=tmp_path / "out")
    (exam,) = found.exams
    document: Any = exam.document
    assert document["exam"] == "t"
    assert document["regions"]["WT"]["volume_ml"] == pytest.approx(12 * 14 * 6 * 3 / 1000, abs=0.15)
    assert document["rano"]["enhancing"]["measurable_count"] == 1
    assert document["regions"]["ET"]["volume_interval_ml"] is None
    assert "No interval" in document["volume_intervals"]["source"]
    assert "not given" in document["location"]["surroundings_source"]
    assert "not given" in document["structures"]["source"]
    assert "regions" not in document["resectability"]
    assert json.loads(exam.files["measurements"].read_text()) == document
    with exam.files["lesions"].open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["region"], row["rano_measurable"]) for row in rows] == [("WT", "True"), ("TC", ""), ("ET", "True")]


def test_raters_and_probabilities_give_intervals(tmp_path: Path) -> None:
    for name, size in (("a", 12), ("b", 14), ("c", 15)):
        write_volume(tmp_path / f"{name}.nii.gz", labels(size))
    raters = [str(tmp_path / "b.nii.gz"), f"third={tmp_path / 'c.nii.gz'}"]
    document: Any = measure(tmp_path / "a.nii.gz", raters=raters, space="none").exams[0].document
    low, high = document["regions"]["WT"]["volume_interval_ml"]
    assert low == document["regions"]["WT"]["volume_ml"]  # the smallest of the three is inside the others
    assert high == pytest.approx(low + 3 * 14 * 6 * 3 / 1000)
    assert document["labels"]["ET"]["volume_interval_ml"] == [document["labels"]["ET"]["volume_ml"]] * 2
    write_volume(tmp_path / "p.nii.gz", Volume.of(np.where(labels().data > 0, 0.5, 0.0).astype(np.float32), AFFINE))
    own: Any = measure(tmp_path / "a.nii.gz", probabilities=[f"WT={tmp_path / 'p.nii.gz'}"], space="none").exams[0].document
    assert own["regions"]["WT"]["volume_interval_ml"] == [0, own["regions"]["WT"]["volume_ml"]]


def test_a_results_folder_of_segment_gets_measurements_and_again_the_same(tmp_path: Path) -> None:
    folder = segmented(tmp_path)
    first = measure(tmp_path).exams[0]
    content = (folder / "measurements.json").read_bytes()
    assert first.document["segmenter"] == "net"
    assert first.document["lesions"]["WT"][0]["location"]["depth_of_centre_mm"] > 0
    measure(folder)
    assert (folder / "measurements.json").read_bytes() == content


def test_several_segmenters_are_asked_about_and_give_intervals(tmp_path: Path) -> None:
    folder = segmented(tmp_path)
    segmented(tmp_path, "other", 14)
    with pytest.raises(AmbiguousExam, match="net, other"):
        measure(tmp_path)
    found = measure(tmp_path, segmenter="other").exams[0]
    low, high = found.document["regions"]["WT"]["volume_interval_ml"]
    assert low < high == found.document["regions"]["WT"]["volume_ml"]
    assert (folder / "lesions.csv").is_file()
    with pytest.raises(InputUnreadable, match="it has those of net, other"):
        measure(tmp_path, segmenter="third")


def test_a_broken_exam_does_not_stop_the_others(tmp_path: Path) -> None:
    segmented(tmp_path)
    broken = segmented(tmp_path, exam="sub-b")
    (broken / "anat" / "sub-b_space-orig_desc-brain_mask.nii.gz").unlink()
    good, bad = measure(tmp_path).exams
    assert good.error is None
    assert isinstance(bad.error, InputUnreadable)
    told = CliRunner().invoke(APP, ["measure", str(tmp_path), "--json"])
    assert told.exit_code == 3
    assert [set(exam) >= {"error"} for exam in json.loads(told.stdout)["exams"]] == [False, True]


@pytest.mark.parametrize(
    "kind", ["missing", "empty", "text", "folder", "image", "scheme", "grid", "region", "brain", "segmenter"]
)
def test_what_cannot_be_measured_costs_a_sentence(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "t.nii.gz"
    options: dict[str, Any] = {}
    write_volume(path, labels())
    if kind == "missing":
        path = tmp_path / "none.nii.gz"
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path = tmp_path / "t.txt"
        path.write_text("text")
    elif kind == "folder":
        path = tmp_path
    elif kind == "image":
        write_volume(path, Volume.of(np.linspace(0, 1, 64, dtype=np.float32).reshape(4, 4, 4), AFFINE))
    elif kind == "scheme":
        options = {"scheme": "brats-men-rt"}
    elif kind == "grid":
        write_volume(tmp_path / "p.nii.gz", Volume.of(np.zeros((4, 4, 4), np.float32), AFFINE))
        options = {"probabilities": [f"WT={tmp_path / 'p.nii.gz'}"]}
    elif kind == "region":
        options = {"probabilities": ["XX=file.nii.gz"]}
    elif kind == "brain":  # one without a voxel was taken, and the depth left out without a word
        write_volume(tmp_path / "b.nii.gz", labels().with_data(np.zeros((40, 40, 20), np.uint8)))
        options = {"brain": tmp_path / "b.nii.gz"}
    elif kind == "segmenter":  # was passed over
        options = {"segmenter": "net"}
    with pytest.raises((InputUnreadable, InvalidImage)) as error:
        measure(path, **options)
    assert str(error.value).endswith((".", ")"))


def test_words_of_the_command(tmp_path: Path) -> None:
    write_volume(tmp_path / "t.nii.gz", labels())
    told = CliRunner().invoke(APP, ["measure", str(tmp_path / "t.nii.gz"), "--space", "none"])
    assert told.exit_code == 0, told.output
    assert "RANO 2.0: Enhancing disease (ET)" in told.stdout
    assert "Not a medical device" in told.stdout
    asked = CliRunner().invoke(APP, ["measure", str(tmp_path / "t.nii.gz"), "--space", "none", "--json"])
    assert json.loads(asked.stdout)["exams"][0]["scheme"] == "brats-2023"
    assert CliRunner().invoke(APP, ["measure", str(tmp_path / "t.nii.gz"), "--space", "moon"]).exit_code == 2
    assert isinstance(CliRunner().invoke(APP, ["measure", str(tmp_path / "x")]).exception, GlioscopeError)


def test_a_real_label_map_lies_where_it_was_drawn(test_data: Path) -> None:
    from glioscope.atlas import list_atlases

    if "lobes" not in next(a for a in list_atlases() if a.name == "SRI24").keys:
        pytest.skip("the lobes of SRI24 are not installed")
    document: Any = measure(test_data / "exams" / "labels-only" / "BraTS2021_01628_seg.nii.gz").exams[0].document
    assert document["space"] == "SRI24"
    (lesion,) = document["lesions"]["TC"]
    assert (lesion["location"]["side"], lesion["location"]["main_lobe"]) == ("right", "right temporal lobe")
    assert document["regions"]["WT"]["volume_ml"] == 2.808
