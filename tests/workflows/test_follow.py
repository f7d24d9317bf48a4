"""`follow` from files to files."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from glioscope.core import AmbiguousExam, InputUnreadable, InvalidImage, Volume, read_labels, write_volume
from glioscope.workflows.follow import follow
from glioscope.workflows.follow_dates import days_of, parse_days
from tests.longitudinal.boxes import Box, boxes

SHAPE = (40, 40, 24)
A: Box = ((8, 8, 6), (14, 14, 6))
B: Box = ((28, 28, 14), (4, 4, 4))


def save(path: Path, *enhancing: Box, scale: float = 1.0) -> Path:
    """A label map of `brats-2023`: enhancing boxes, with a rim of oedema around the first."""
    data = 3 * boxes(*enhancing, shape=SHAPE).astype(np.uint8)
    if enhancing:
        data[6:8, 8:22, 6:12] = 2
    write_volume(path, Volume.of(data, np.diag([-scale, -1.0, 1.0, 1.0])))
    return path


@pytest.fixture
def maps(tmp_path: Path) -> list[Path]:
    return [
        save(tmp_path / "a.nii.gz", A),
        save(tmp_path / "b.nii.gz", ((8, 8, 6), (10, 8, 6)), B),
        save(tmp_path / "c.nii.gz", A, B),
    ]


def test_label_maps_on_one_grid_are_followed_without_registration(tmp_path: Path, maps: list[Path]) -> None:
    found = follow(maps[::-1], tmp_path / "out", dates="2021-03-01,2020-08-01,2020-03-01")
    document = json.loads((tmp_path / "out" / "follow.json").read_text())
    assert document == json.loads(json.dumps(found.document()))
    assert [exam["day"] for exam in document["exams"]] == [0, 153, 365]
    assert [exam["given_as"] for exam in document["exams"]] == [3, 2, 1]
    assert {exam["brought_to_baseline_by"] for exam in document["exams"]} == {None, "one grid"}
    events = [(c["to_exam"], c["event"], c["lesions_before"], c["lesions_after"]) for c in document["changes"]]
    assert events == [(2, "shrank", [1], [1]), (2, "appeared", [], [2]), (3, "grew", [1], [1]), (3, "stable", [2], [2])]
    assert document["exams"][0]["volumes_ml"] == {"WT": 1.344, "TC": 1.176, "ET": 1.176}
    assert document["exams"][1]["change_ml"] == {"baseline": {"stable": 0.48, "new": 0.064, "gone": 0.696}}
    assert document["exams"][2]["change_ml"]["previous"] == {"stable": 0.544, "new": 0.696, "gone": 0.0}
    assert [exam["response"]["category"] for exam in document["exams"]] == ["baseline", "SD", "PD"]
    changes = read_labels(tmp_path / "out" / "exam02_desc-changefrombaseline_dseg.nii.gz")
    assert [int((changes.data == value).sum()) for value in (1, 2, 3)] == [480, 64, 696]
    with (tmp_path / "out" / "exams.csv").open() as stream:
        assert [row["volume_ET_ml"] for row in csv.DictReader(stream)] == ["1.176", "0.544", "1.24"]
    everything = b"".join(
        p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.suffix in (".json", ".csv", ".html", ".pdf")
    )
    assert b"2020" not in everything.replace(b"2020.", b"")  # no date is written
    page = (tmp_path / "out" / "timeline.html").read_text()
    assert "Not a medical device" in page
    assert "to be confirmed" in page
    first = {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir() if p.is_file()}
    follow(maps[::-1], tmp_path / "out", dates="0,-212,-365")
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir() if p.is_file() and p.suffix == ".png"} == {
        name: content for name, content in first.items() if name.endswith(".png")
    }
    follow(maps[:2], tmp_path / "out")  # what is no more is taken away
    assert not list((tmp_path / "out").glob("exam03*"))


def test_other_grids_need_images_or_the_word_of_the_user(tmp_path: Path, maps: list[Path]) -> None:
    wide = save(tmp_path / "wide.nii.gz", A, scale=1.5)
    with pytest.raises(InvalidImage, match="--register none"):
        follow([maps[0], wide], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(InvalidImage, match="no images of one sequence"):
        follow(maps[:2], tmp_path / "out", register="syn")


def test_what_cannot_be_followed_is_said_in_a_sentence(tmp_path: Path, maps: list[Path]) -> None:
    with pytest.raises(InputUnreadable, match="does not exist"):
        follow([maps[0], tmp_path / "none.nii.gz"], tmp_path / "out")
    with pytest.raises(InputUnreadable, match="two or more"):
        follow(maps[:1], tmp_path / "out")
    with pytest.raises(InputUnreadable, match="3 entries for 2 exams"):
        follow(maps[:2], tmp_path / "out", dates="1,2,3")
    with pytest.raises(InvalidImage, match="no region 'RC'"):
        follow(maps[:2], tmp_path / "out", region="RC")
    with pytest.raises(InvalidImage, match="label 3"):
        follow(maps[:2], tmp_path / "out", scheme="brats-2021")
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(InputUnreadable, match="no label map"):
        follow([maps[0], tmp_path / "notes.txt"], tmp_path / "out")
    for subject in ("sub-1", "sub-2"):
        save(_made(tmp_path / "data" / subject / "anat") / f"{subject}_space-orig_seg-toy_dseg.nii.gz", A)
    with pytest.raises(AmbiguousExam, match="2 patients"):
        follow([tmp_path / "data", maps[0]], tmp_path / "out")


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def test_sessions_of_a_results_folder_are_its_exams(tmp_path: Path) -> None:
    for session, what in (("20200101", A), ("20200401", ((8, 8, 6), (7, 14, 6)))):
        folder = _made(tmp_path / "out" / "sub-1" / f"ses-{session}" / "anat")
        save(folder / f"sub-1_ses-{session}_space-orig_seg-toy_dseg.nii.gz", what)
    found = follow([tmp_path / "out" / "sub-1"], tmp_path / "timeline")
    assert [point.day for point in found.points] == [0, 91]
    assert found.time_source == "their names"
    assert [change.event for change in found.history.changes] == ["shrank"]


def test_days_come_from_sidecars_before_names(tmp_path: Path) -> None:
    exams = []
    for name, told in (("2019-01-01_t1c", "2021-03-01T10:20:30"), ("2019-05-05_t1c", "20210311")):
        folder = _made(tmp_path / name)
        (folder / "t1c.json").write_text(json.dumps({"AcquisitionDateTime": told}))
        exams.append([folder / "t1c.nii.gz", folder])
        (folder / "t1c.nii.gz").touch()
    days, source = days_of(exams) or ((), "")
    assert (days[1] - days[0], source) == (10, "the sidecars")
    (tmp_path / "2019-05-05_t1c" / "t1c.json").unlink()
    days, source = days_of(exams) or ((), "")
    assert (days[1] - days[0], source) == (124, "their names")
    assert days_of([[Path("BraTSReg_002_00_0000_t1.nii.gz")], [Path("BraTSReg_002_01_0262_t1.nii.gz")]]) == (
        (0, 262),
        "their names",
    )
    assert days_of([[Path("100118_time1_seg.nii.gz")], [Path("100118_time2_seg.nii.gz")]]) is None


def test_dates_and_days_are_read() -> None:
    assert np.diff(parse_days("2020-02-28,2020-03-01", 2)).tolist() == [2]
    assert parse_days("0, 262", 2) == (0, 262)
    with pytest.raises(InputUnreadable, match="of one kind"):
        parse_days("0,2020-03-01", 2)


def _head(shift: float) -> NDArray[np.float32]:
    x, y, z = np.meshgrid(*(np.arange(n, dtype=float) for n in (48, 56, 44)), indexing="ij")
    radius = ((x - 24 - shift) / 20) ** 2 + ((y - 28) / 24) ** 2 + ((z - 22) / 19) ** 2
    texture = np.sin((x - shift) / 3) + np.sin(y / 4) + np.sin(z / 3.5) + np.sin((x - shift + y) / 5)
    return np.asarray(np.where(radius < 1, 100 + 20 * texture, 0), np.float32)


@pytest.mark.slow
def test_a_follow_up_with_images_is_brought_back_by_what_it_moved(tmp_path: Path) -> None:
    for name, shift in (("a", 0), ("b", 2)):
        folder = _made(tmp_path / name)
        affine = np.diag([3.0, 3.0, 3.0, 1.0])
        write_volume(folder / "t1c.nii.gz", Volume.of(_head(shift), affine))
        write_volume(folder / "t1n.nii.gz", Volume.of(_head(shift) * 0.8, affine))
        labels = 3 * boxes(((20 + shift, 24, 18), (6, 6, 4)), shape=(48, 56, 44)).astype(np.uint8)
        write_volume(folder / "seg.nii.gz", Volume.of(labels, affine))
        points = [(-3.0 * (30 + shift), -3.0 * 30, 60), (-3.0 * (18 + shift), -3.0 * 20, 75)]
        (tmp_path / f"{name}.csv").write_text("X,Y,Z\n" + "".join(f"{x},{y},{z}\n" for x, y, z in points))
    exams, marks = [tmp_path / "a", tmp_path / "b"], [tmp_path / "a.csv", tmp_path / "b.csv"]
    found = follow(exams, tmp_path / "out", landmarks=marks, fast=True)
    point = found.points[1]
    assert point.placement.way == "syn"
    assert point.landmarks_mm["before"] == pytest.approx(6)
    assert point.landmarks_mm["rigid"] < 1
    assert point.landmarks_mm["deformed"] < 1.5
    assert [change.event for change in found.history.changes] == ["stable"]
    changes = point.changes["baseline"]
    assert (changes == 1).sum() > 0.8 * (changes > 0).sum()


def _with_labels(path: Path, *values: tuple[int, Box]) -> Path:
    data = np.zeros(SHAPE, np.uint8)
    for value, box in values:
        data[boxes(box, shape=SHAPE)] = value
    write_volume(path, Volume.of(data, np.eye(4)))
    return path


def test_a_mask_is_not_read_as_necrosis(tmp_path: Path, maps: list[Path]) -> None:
    """A mask after an exam with all labels had no enhancing tumour, which looked like a response."""
    full = read_labels(maps[0])
    mask = tmp_path / "mask.nii.gz"
    write_volume(mask, full.with_data((full.data > 0).astype(np.uint8)))
    with pytest.raises(AmbiguousExam, match=r"^'mask.nii.gz' has the label 1 alone, which may be a mask of the whole tumour"):
        follow([maps[0], mask], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    found = follow([maps[0], mask], tmp_path / "out", scheme="brats-2023")
    assert [exam["volumes_ml"]["ET"] for exam in found.document()["exams"]] == [1.176, 0.0]


def test_oedema_beside_a_cavity_needs_no_options(tmp_path: Path) -> None:
    """UCSF 100116: nothing but 2 and 4; it was read as enhancing tumour, and its cavity followed."""
    cavity: Box = ((20, 20, 6), (8, 8, 8))
    maps = [
        _with_labels(tmp_path / "1.nii.gz", (2, ((4, 4, 4), (14, 14, 6))), (4, cavity)),
        _with_labels(tmp_path / "2.nii.gz", (2, ((4, 4, 4), (12, 12, 5))), (4, cavity)),
    ]
    found = follow(maps, tmp_path / "out", dates="0,90")
    assert found.region == "WT"
    assert {point.scheme.name for point in found.points} == {"brats-2024-gli"}
    assert {name: found.points[0].volumes_ml[name] for name in found.region_volumes} == {
        "WT": 1.176,
        "TC": 0,
        "ET": 0,
        "RC": 0.512,
    }
    assert found.responses[1].category == "MR"  # 144 of 196 mm2
    assert found.remarks[0].startswith("The label 4 beside neither 1 nor 3 is read as the resection cavity")
    assert found.remarks[1] == "No exam has any ET, TC, so WT is followed."


def test_one_label_map_is_not_two_exams(tmp_path: Path, maps: list[Path]) -> None:
    with pytest.raises(InputUnreadable, match=r"'a\.nii\.gz' is given for two exams"):
        follow([maps[0], maps[1], maps[0]], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_two_exams_have_not_the_same_day(tmp_path: Path, maps: list[Path]) -> None:
    with pytest.raises(InputUnreadable, match="same day twice"):
        follow(maps[:2], tmp_path / "out", dates="2021-03-01,20210301")
    assert not (tmp_path / "out").exists()


def test_results_of_two_patients_named_one_by_one_are_refused(tmp_path: Path) -> None:
    folders = [tmp_path / "sub-projects" / name for name in ("sub-1", "sub-2")]
    for folder in folders:
        (folder / "anat").mkdir(parents=True)
        save(folder / "anat" / f"{folder.name}_space-orig_seg-x_dseg.nii.gz", A)
    with pytest.raises(AmbiguousExam, match=r"of 2 patients \(sub-1, sub-2\)"):
        follow(folders, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_four_with_a_one_enhances(tmp_path: Path) -> None:
    maps = [_with_labels(tmp_path / f"{i}.nii.gz", (4, A), (1, B)) for i in range(2)]
    found = follow(maps, tmp_path / "out")
    assert (found.region, found.points[0].scheme.name) == ("ET", "brats-2021")
    assert "read as enhancing tumour" in found.remarks[0]
