"""`glioscope dicom` on what a run leaves, and what it refuses."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from typer.testing import CliRunner

from glioscope.cli.dicom import register
from glioscope.core import (
    EngineMissing,
    InputUnreadable,
    InvalidImage,
    MissingSequence,
    OutputUnwritable,
    Sequence,
    Volume,
    read_labels,
    write_volume,
)
from glioscope.core.files import write_json
from glioscope.inspection import inspect_path
from glioscope.workflows import export_dicom as module
from glioscope.workflows.assessment import add_to_assessment, judged_files
from glioscope.workflows.export_dicom import export_dicom, with_dicom
from glioscope.workflows.outcome import ExamOutcome, Outcomes
from glioscope.workflows.progress import Progress
from glioscope.workflows.surgery import surgery
from tests.dicom.checking import complaints
from tests.dicom_factory import oblique_affine, phantom
from tests.dicom_studies import PATIENT, write_series, write_study
from tests.workflows.dicom_results import PDF, leave_results

hd = pytest.importorskip("highdicom", reason="highdicom is not installed")
pydicom = pytest.importorskip("pydicom")
codes = pytest.importorskip("pydicom.sr.codedict").codes

APP = typer.Typer()
register(APP)
APP.callback()(lambda: None)

SHAPE = (40, 44, 16)
AFFINE = oblique_affine((2.0, 1.8, 5.0), 17)
CENTRE = np.asarray(AFFINE @ [20, 22, 8, 1])[:3]
SECRETS = [str(PATIENT[n]) for n in ("PatientID", "PatientName", "PatientBirthDate", "AccessionNumber", "StudyDate")]
SECRETS += ["Phantom", "Synthia", "77777"]


def study(folder: Path, **how: object) -> dict[str, list[Path]]:
    """T1c and FLAIR, the latter on thicker sagittal-ish slices of its own."""
    files = {"t1c": write_series(folder / "a", phantom(SHAPE), AFFINE, "t1c", number=3, **how)}  # type: ignore[arg-type]
    files["t2f"] = write_series(folder / "b", phantom((50, 52, 18)), flair(), "t2f", number=4, **how)  # type: ignore[arg-type]
    return files


def flair() -> NDArray[np.float64]:
    affine = oblique_affine((1.7, 1.6, 4.5), -8)
    affine[:3, 3] += CENTRE - (affine @ [25, 26, 9, 1])[:3]
    return affine


def read_back(path: Path, images: list[Path]) -> NDArray[np.int_]:
    """Labels of each source image, by the reader of highdicom."""
    uids = [pydicom.dcmread(image, stop_before_pixels=True).SOPInstanceUID for image in images]
    found = hd.seg.segread(path)
    return np.asarray(found.get_pixels_by_source_instance(uids, combine_segments=True, assert_missing_frames_are_empty=True))


def test_from_dicom_and_back(tmp_path: Path) -> None:
    files, out = study(tmp_path / "in"), tmp_path / "out"
    labels = leave_results(out, "sub-P", files["t1c"], CENTRE)

    (exam,) = export_dicom(out, tmp_path / "in").exams

    assert {k: p.relative_to(out).as_posix() for k, p in exam.files.items()} == {
        k: f"sub-P/dicom/{k}.dcm" for k in ("labels", "regions", "measurements", "report")
    }
    assert complaints(*exam.files.values()) == []
    counted = np.bincount(read_back(exam.files["labels"], files["t1c"]).ravel(), minlength=4)
    np.testing.assert_array_equal(counted, np.bincount(labels.data.ravel(), minlength=4))
    volume = hd.seg.segread(exam.files["labels"]).get_volume(combine_segments=True)
    at = np.argwhere(volume.array) @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    index = np.rint(labels.grid.to_index(at * (-1, -1, 1))).astype(int)  # LPS to RAS
    np.testing.assert_array_equal(labels.data[tuple(index.T)], volume.array[tuple(np.argwhere(volume.array).T)])
    groups = hd.sr.srread(exam.files["measurements"]).content.get_volumetric_roi_measurement_groups()
    told = {g.tracking_identifier: {m.name.meaning: m.value for m in g.get_measurements()} for g in groups}
    assert list(told) == [f"Glioscope {n}" for n in ("NCR", "ED", "ET", "WT", "TC")]
    document = json.loads((out / "sub-P/report/measurements.json").read_text())["regions"]
    assert told["Glioscope WT"]["Volume"] == document["WT"]["volume_ml"] == pytest.approx(4 / 3 * np.pi * 8, rel=0.05)
    assert told["Glioscope WT"]["Long axis"] == document["WT"]["axial_diameter_mm"] == pytest.approx(40, abs=2)
    assert pydicom.dcmread(exam.files["report"]).EncapsulatedDocument == PDF
    before = [p.read_bytes() for p in exam.files.values()]
    assert [p.read_bytes() for p in export_dicom(out, tmp_path / "in").exams[0].files.values()] == before


def test_the_report_tells_intervals_rano_and_surgery(tmp_path: Path) -> None:
    # issue 6, stop 11: intervals, the sum of RANO and the extent of resection were in report.pdf alone
    files, out = study(tmp_path / "in"), tmp_path / "out"
    leave_results(out, "sub-P", files["t1c"], CENTRE, others={"t2f": (files["t2f"], np.eye(4))})
    folder = out / "sub-P"
    path = folder / "report/measurements.json"
    document = json.loads(path.read_text())
    wt = document["regions"]["WT"]
    wt["volume_interval_ml"] = [wt["volume_ml"] - 2.5, wt["volume_ml"] + 4.0]
    write_json(path, document)
    labels = next((folder / "anat").glob("*dseg.nii.gz"))
    write_volume(tmp_path / "before.nii.gz", labelled_twice(read_labels(labels)))
    found = surgery(labels, pre=tmp_path / "before.nii.gz", scheme="brats-2023", pre_scheme="brats-2023").document()
    add_to_assessment(folder, "surgery", found, judged_files(folder, [labels]))

    (exam,) = export_dicom(out, tmp_path / "in").exams

    assert complaints(*exam.files.values()) == []
    content = hd.sr.srread(exam.files["measurements"]).content
    told = {
        group.tracking_identifier: {m.name.value: float(m.value) for m in group.get_measurements()}
        for group in content.get_image_measurement_groups()
    }
    disease = document["rano"]["enhancing"]
    assert disease["measurable_count"] == 1
    assert told["Glioscope RANO enhancing disease"] == {"MEASURABLE": 1, "SUMPRODUCTS": disease["sum_of_products_mm2"]}
    assert told["Glioscope RANO enhancing disease, lesion 1"]["PRODUCT"] == disease["sum_of_products_mm2"]
    assert told["Glioscope extent of resection ET"]["EOR"] == found["extent"]["ET"]["extent_percent"] == 50.0
    assert told["Glioscope after surgery"]["RESIDUALVOLUME"] == found["residual"]["volume_ml"] > 0.175
    assert ways_of(content, "WT") == [4.0, 2.5]
    assert ways_of(content, "TC") == []

    (other,) = export_dicom(out, tmp_path / "in", reference=Sequence.T2F).exams  # another grid, of which there is no interval
    assert ways_of(hd.sr.srread(other.files["measurements"]).content, "WT") == []


def labelled_twice(labels: Volume) -> Volume:
    """Twice the volume of each label: the same voxels, twice as high."""
    affine = labels.grid.affine.copy()
    affine[:3, 2] *= 2
    return Volume.of(labels.data, affine)


def ways_of(content: Any, region: str) -> list[float]:
    """How far the interval of a region's volume reaches up and down, as the report has it."""
    (group,) = content.get_volumetric_roi_measurement_groups(
        tracking_uid=next(
            g.tracking_uid
            for g in content.get_volumetric_roi_measurement_groups()
            if g.tracking_identifier == f"Glioscope {region}"
        )
    )
    (volume,) = group.get_measurements(name=codes.SCT.Volume)
    kinds = (codes.SCT.RangeOfUpperMeasurementUncertainty, codes.SCT.RangeOfLowerMeasurementUncertainty)
    return [float(item.value) for kind in kinds for item in volume[0].ContentSequence if item.name == kind]


def test_what_surgery_found_of_an_earlier_label_map_is_not_told(tmp_path: Path) -> None:
    files, out = study(tmp_path / "in"), tmp_path / "out"
    leave_results(out, "sub-P", files["t1c"], CENTRE)
    labels = next((out / "sub-P/anat").glob("*dseg.nii.gz"))
    found = surgery(labels, scheme="brats-2023").document()
    warned: list[str] = []

    class Listener(Progress):
        def warned(self, text: str) -> None:
            warned.append(text)

    for judged, after in (({"anat/gone": "0"}, labels.name), (judged_files(out / "sub-P", [labels]), "another.nii.gz")):
        add_to_assessment(out / "sub-P", "surgery", {**found, "after": after}, judged)
        (exam,) = export_dicom(out, tmp_path / "in", progress=Listener()).exams

        names = [g.tracking_identifier for g in hd.sr.srread(exam.files["measurements"]).content.get_image_measurement_groups()]
        assert names and not [name for name in names if "surgery" in name]
        assert "is of another label map and is left out" in warned.pop()


def test_onto_another_series_through_the_registration(tmp_path: Path) -> None:
    files, out = study(tmp_path / "in"), tmp_path / "out"
    way = np.eye(4)
    way[:3, 3] = (3.0, -4.0, 2.0)  # the head lay elsewhere when the FLAIR was taken
    leave_results(out, "sub-P", files["t1c"], CENTRE, others={"t2f": (files["t2f"], way)})

    (exam,) = export_dicom(out, tmp_path / "in", reference=Sequence.T2F).exams

    seg = hd.seg.segread(exam.files["labels"])
    assert [s.SeriesInstanceUID for s in seg.ReferencedSeriesSequence] == [pydicom.dcmread(files["t2f"][0]).SeriesInstanceUID]
    volume = seg.get_volume(combine_segments=True)
    at = np.argwhere(volume.array > 0) @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    np.testing.assert_allclose(at.mean(axis=0) * (-1, -1, 1), CENTRE + way[:3, 3], atol=0.6)
    assert (volume.array > 0).sum() * abs(np.linalg.det(volume.affine[:3, :3])) == pytest.approx(33510, rel=0.04)
    shutil.rmtree(out / ".glioscope")
    with pytest.raises(InputUnreadable, match="registration of FLAIR is not in"):
        export_dicom(out, tmp_path / "in", reference=Sequence.T2F).check()


def test_a_cohort_keeps_patients_apart_and_a_bad_exam_harms_no_other(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name in ("A", "B"):
        how = {"study": name, "overrides": {"PatientID": f"FAKE-{name}"}}
        leave_results(out, f"sub-{name}", study(tmp_path / "in" / name, **how)["t1c"], CENTRE)
    leave_results(out, "sub-N", [], CENTRE)

    found = export_dicom(out, tmp_path / "in", dest=tmp_path / "to")

    assert [pydicom.dcmread(tmp_path / f"to/sub-{n}/labels.dcm").PatientID for n in "AB"] == ["FAKE-A", "FAKE-B"]
    assert [exam.name for exam in found.failed] == ["sub-N"]
    assert isinstance(found.failed[0].error, InvalidImage)
    assert not (tmp_path / "to/sub-N").exists() and not (out / "sub-A/dicom").exists()
    only = export_dicom(out, tmp_path / "in", names={"sub-B"})
    assert [exam.name for exam in only.exams] == ["sub-B"]
    outcomes = with_dicom(Outcomes((ExamOutcome("sub-A", out / "sub-A", {"labels": out}),)), out, tmp_path / "in")
    assert sorted(outcomes.exams[0].files) == ["dicom_labels", "dicom_measurements", "dicom_regions", "dicom_report", "labels"]


def test_from_nifti_it_says_why_not(tmp_path: Path) -> None:
    leave_results(tmp_path / "out", "sub-N", [], CENTRE)

    with pytest.raises(
        InvalidImage, match=r"came as image files .* name no patient, study or frame of reference .* NIfTI in BIDS"
    ):
        export_dicom(tmp_path / "out", tmp_path).check()


def test_a_segmenter_of_the_whole_tumour_alone_gives_that_region(tmp_path: Path) -> None:
    files, out = study(tmp_path / "in"), tmp_path / "out"
    leave_results(out, "sub-P", files["t1c"], CENTRE, known=("WT",))

    (exam,) = export_dicom(out, tmp_path / "in").exams

    assert list(exam.files) == ["regions", "measurements", "report"]
    assert [s.SegmentLabel for s in hd.seg.segread(exam.files["regions"]).SegmentSequence] == ["WT: whole tumour with oedema"]
    with pytest.raises(InvalidImage, match="--segments regions"):
        export_dicom(out, tmp_path / "in", segments="labels").check()


def test_a_zip_is_a_source_and_the_objects_disturb_no_later_inspection(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    write_study(folder, {s: (phantom(SHAPE), AFFINE) for s in ("t1n", "t1c", "t2f")}, vendor="ge")
    leave_results(out, "sub-P", sorted((folder / "S0002").iterdir()), CENTRE)
    shutil.make_archive(str(tmp_path / "packed"), "zip", folder)
    before = inspect_path(folder, workdir=tmp_path)[0]

    (exam,) = export_dicom(out, tmp_path / "packed.zip", dest=folder).exams

    after = inspect_path(folder, workdir=tmp_path)[0]
    assert exam.files["labels"].is_file()
    assert {s: c.name for s, c in after.chosen.items()} == {s: c.name for s, c in before.chosen.items()} != {}
    assert after.problem is None


def test_faults_cost_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, out = study(tmp_path / "in"), tmp_path / "out"
    leave_results(out, "sub-P", files["t1c"], CENTRE)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputUnreadable, match="holds no results"):
        export_dicom(tmp_path / "empty", tmp_path / "in")
    with pytest.raises(InputUnreadable, match="There is no folder"):  # it "held no results" (issue 6)
        export_dicom(tmp_path / "nowhere", tmp_path / "in")
    with pytest.raises(InputUnreadable, match="does not exist; give the DICOM folder"):
        export_dicom(out, tmp_path / "nowhere")
    with pytest.raises(InputUnreadable, match="only 1 of the 16"):
        export_dicom(out, files["t1c"][0]).check()
    with pytest.raises(InputUnreadable, match="holds none of the 16 DICOM files"):
        export_dicom(out, tmp_path / "empty").check()
    content = files["t1c"][2].read_bytes()
    files["t1c"][2].write_bytes(content + b"\0")
    with pytest.raises(InputUnreadable, match="holds only 15 of the 16"):
        export_dicom(out, tmp_path / "in").check()
    files["t1c"][2].write_bytes(content)
    labels = next((out / "sub-P/anat").glob("*dseg.nii.gz"))
    kept = labels.read_bytes()
    labels.write_bytes(kept + b"\0")
    with pytest.raises(InvalidImage, match="was changed after the report"):
        export_dicom(out, tmp_path / "in").check()
    labels.write_bytes(kept)
    assert read_labels(labels).data.any()
    with pytest.raises(MissingSequence, match="sub-P has no FLAIR; it has T1"):
        export_dicom(out, tmp_path / "in", reference=Sequence.T2F).check()
    (out / "sub-P/dicom").write_text("in the way")
    with pytest.raises(OutputUnwritable):
        export_dicom(out, tmp_path / "in").check()
    monkeypatch.setitem(__import__("sys").modules, "highdicom", None)
    with pytest.raises(EngineMissing, match="pip install 'glioscope"):
        module.check_highdicom()


def test_a_full_disk_leaves_the_objects_of_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # tried at a shell with a small disk: labels.dcm was new and measurements.dcm of before, or missing
    files, out = study(tmp_path / "in"), tmp_path / "out"
    leave_results(out, "sub-P", files["t1c"], CENTRE)
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if path.name.startswith(".measurements."):
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputUnwritable, match="disk is full"):
        export_dicom(out, tmp_path / "in").check()

    assert list((out / "sub-P/dicom").iterdir()) == []


def test_nothing_personal_is_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files, out = study(tmp_path / "in"), tmp_path / "out"
    leave_results(out, "sub-P", files["t1c"], CENTRE)

    shown = [CliRunner().invoke(APP, ["dicom", str(out), "-s", str(tmp_path / "in"), *extra]) for extra in ([], ["--json"])]

    assert [result.exit_code for result in shown] == [0, 0]
    assert json.loads(shown[1].stdout)["exams"][0]["files"]["labels"].endswith("labels.dcm")
    text = "".join(result.output for result in shown) + caplog.text
    assert not [secret for secret in SECRETS if secret in text]
    written = b"".join(p.read_bytes() for p in out.rglob("*") if p.is_file() and p.parent.name != "dicom")
    assert not [secret for secret in SECRETS if secret.encode() in written]


@pytest.mark.parametrize("words", [["--segments", "all"], ["--reference", "pet"]])
def test_unknown_words_are_usage_errors(tmp_path: Path, words: list[str]) -> None:
    assert CliRunner().invoke(APP, ["dicom", str(tmp_path), "--source", str(tmp_path), *words]).exit_code == 2
