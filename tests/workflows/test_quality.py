"""`glioscope quality` from files to files, and what the report makes of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from glioscope.cli import quality as commands
from glioscope.core import (
    GlioscopeError,
    InputUnreadable,
    InvalidImage,
    OutputUnwritable,
    SomeExamsFailed,
    Volume,
    write_volume,
)
from glioscope.workflows.assess_quality import assess_quality, calibrate_quality, read_calibration
from glioscope.workflows.assess_uncertainty import assess_uncertainty
from glioscope.workflows.assessment import current_assessment, read_assessment
from glioscope.workflows.progress import Progress
from glioscope.workflows.rater_cases import named_case, rater_cases
from glioscope.workflows.rater_similarity import Comparison, compare_raters
from glioscope.workflows.report_exam import rebuild_report
from tests.reporting.test_report_exam import reported

AFFINE = np.array([[-1.0, 0, 0, 90], [0, 2.0, 0, -120], [0, 0, 3.0, -70], [0, 0, 0, 1]])


def tumour(shift: int = 0, core: bool = True) -> np.ndarray:
    labels = np.zeros((24, 20, 16), np.uint8)
    labels[6 + shift : 16 + shift, 5:15, 4:12] = 2
    if core:
        labels[9 + shift : 13 + shift, 8:12, 6:10] = 3
    return labels


def write(path: Path, labels: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    write_volume(path, Volume.of(labels, affine))
    return path


def cohort(folder: Path, shifts: Mapping[str, int], *, inner: str = "") -> Path:
    """Three raters an exam; the third is off by the exam's shift."""
    for case, shift in shifts.items():
        for rater, by in (("a", 0), ("b", 0), ("c", shift)):
            write(folder / case / inner / f"{rater}.nii.gz", tumour(by))
        write(folder / case / "reference.nii.gz", tumour())
    return folder


def test_raters_are_found_in_every_arrangement(tmp_path: Path) -> None:
    plain = rater_cases(cohort(tmp_path / "plain", {"x": 0, "y": 1}))
    assert [(c.name, list(c.raters)) for c in plain] == [("x", ["a", "b", "c"]), ("y", ["a", "b", "c"])]
    assert all(c.reference for c in plain)
    nested = rater_cases(cohort(tmp_path / "nested", {"x": 0}, inner="algorithms"))
    assert (list(nested[0].raters), nested[0].reference is not None) == (["a", "b", "c"], True)
    for rater in ("a", "b", "reference"):
        for case in ("x", "y"):
            write(tmp_path / "turned" / rater / f"{case}.nii.gz", tumour())
    turned = rater_cases(tmp_path / "turned", "rater/case")
    assert [(c.name, list(c.raters), c.reference is not None) for c in turned] == [
        ("x", ["a", "b"], True),
        ("y", ["a", "b"], True),
    ]
    (tmp_path / "m.csv").write_text(
        "case,rater,file\nx,b,plain/x/b.nii.gz\nx,a,plain/x/a.nii.gz\nx,reference,plain/x/c.nii.gz\n"
    )
    (listed,) = rater_cases(tmp_path / "m.csv")
    assert (list(listed.raters), listed.reference) == (["a", "b"], tmp_path / "plain" / "x" / "c.nii.gz")
    files = [write(tmp_path / name, tumour()) for name in ("a=b.nii.gz", "x_seg-yours_dseg.nii.gz")]
    named = named_case([f"mine={files[0]}", str(files[1])])
    assert list(named.raters) == ["mine", "yours"]


def test_a_calibration_learns_and_a_displaced_rater_raises_alarms(tmp_path: Path) -> None:
    learnt = calibrate_quality(cohort(tmp_path / "c", {"x": 0, "y": 1, "z": 1}), tmp_path / "cal.json", alpha=0)
    """The majority is a = b, so c's Dice with it is, of the whole tumour, 0.9 where it is 1 of 10 voxels off, 1 mm each."""
    document = json.loads((tmp_path / "cal.json").read_text())
    of_c = document["thresholds"]["c"]["WT"]
    assert of_c["dice"] == {"threshold": 0.9, "median": 0.9, "mad": 0, "alpha": 0, "not_finite": 0}
    assert of_c["hausdorff"]["threshold"] == 1
    assert document["thresholds"]["a"]["ET"]["dice"]["threshold"] == 1
    assert document["cases"] == 3
    assert any("3 exams are few" in remark for remark in learnt.remarks)
    assert read_calibration(tmp_path / "cal.json").document() == learnt.calibration.document()
    new = cohort(tmp_path / "new", {"good": 1, "bad": 3})
    found = assess_quality(new, tmp_path / "cal.json", csv_file=tmp_path / "list.csv")
    assert [(exam.case, exam.risk) for exam in found.exams] == [("bad", 6), ("good", 0)]
    assert {alarm.rater for alarm in found.exams[0].alarms} == {"c"}
    assert (tmp_path / "list.csv").read_text().splitlines()[1].startswith("1,bad,6,18,1.0,c,")
    loose = assess_quality(new, tmp_path / "cal.json", alpha=100)
    assert loose.exams[0].risk == 6  # the median absolute deviation is 0, so no alpha moves the threshold


def test_the_same_bytes_with_any_number_of_processes(tmp_path: Path) -> None:
    folder = cohort(tmp_path / "c", {"x": 0, "y": 1, "z": 2})
    calibrate_quality(folder, tmp_path / "1.json", by="entropy")
    calibrate_quality(folder, tmp_path / "2.json", by="entropy", jobs=2)
    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()


def test_a_region_that_one_rater_lacks_is_an_alarm(tmp_path: Path) -> None:
    cal = calibrate_quality(cohort(tmp_path / "c", {"x": 1, "y": 1}), tmp_path / "cal.json", alpha=3).calibration
    files = {n: write(tmp_path / f"{n}.nii.gz", tumour(core=n != "c")) for n in "abc"}
    (exam,) = assess_quality([named_case(map(str, files.values()))], cal).exams
    found = {(alarm.rater, alarm.region, alarm.metric, alarm.reason) for alarm in exam.alarms}
    assert ("c", "ET", "hausdorff", "not finite") in found
    assert ("c", "TC", "dice", "beyond threshold") in found


def test_older_numbering_is_recognised_and_reference_gives_quality(tmp_path: Path) -> None:
    folder = cohort(tmp_path, {"x": 2})
    older = tumour()
    older[older == 3] = 4
    write(folder / "x" / "a.nii.gz", older)
    (case,) = rater_cases(folder)
    compared = compare_raters(case, Comparison())
    assert compared.table["a"]["ET"] == {"dice": 1.0, "hausdorff": 0.0}
    assert compared.quality == 1


def test_alpha_by_correlation_uses_references_or_a_table(tmp_path: Path) -> None:
    folder = cohort(tmp_path / "c", {"x": 0, "y": 1, "z": 4})
    with pytest.raises(InputUnreadable, match="does not vary"):
        calibrate_quality(folder, tmp_path / "f.json", by="correlation")  # the fusion is the reference in all of them
    (tmp_path / "q.csv").write_text("case,quality\nx,0.9\ny,0.8\nz,0.1\n")
    found = calibrate_quality(folder, tmp_path / "f.json", by="correlation", quality=tmp_path / "q.csv")
    best = next(row for row in found.table if row.alpha == found.calibration.alpha)
    assert best.correlations["all"] == min(r for row in found.table if (r := row.correlations["all"]) is not None)
    assert found.document()["alpha_chosen_by"] == "correlation"


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (Comparison(regions=("XX",)), "no region 'XX'"),
        (Comparison(scheme="mine"), "no label scheme 'mine'"),
        (Comparison(scheme="brats-men-rt", regions=("ET",)), "no region 'ET'"),
    ],
)
def test_what_no_exam_has_is_told_once_before_the_work(tmp_path: Path, how: Comparison, words: str) -> None:
    seen = Listener()
    with pytest.raises(InvalidImage, match=words):
        calibrate_quality(cohort(tmp_path, {"x": 0, "y": 1}), tmp_path / "cal.json", how=how, progress=seen)
    assert seen.told == []


class Listener(Progress):
    """Keeps the exams it hears of, and what failed."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []

    def exam_started(self, name: str, number: int, total: int) -> None:
        self.told.append((name,))

    def exam_failed(self, name: str, sentence: str) -> None:
        self.told.append((name, sentence))


def test_an_exam_with_unknown_raters_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    calibrate_quality(cohort(tmp_path / "c", {"x": 0, "y": 1}), tmp_path / "cal.json")
    new = cohort(tmp_path / "new", {"good": 0, "odd": 1})
    write(new / "odd" / "stranger.nii.gz", tumour())
    seen = Listener()
    found = assess_quality(new, tmp_path / "cal.json", progress=seen)
    assert [exam.case for exam in found.exams] == ["good"]
    assert seen.told[:2] == [("good",), ("odd",)]
    assert "does not know (stranger)" in seen.told[2][1]


def test_garbage_costs_one_sentence(tmp_path: Path) -> None:
    folder = cohort(tmp_path / "c", {"x": 0, "y": 1})
    calibrate_quality(folder, tmp_path / "cal.json")
    bad = tmp_path / "bad"
    moved = AFFINE.copy()
    moved[0, 3] += 5
    write(bad / "grid" / "a.nii.gz", tumour())
    write(bad / "grid" / "b.nii.gz", tumour(), moved)
    write(bad / "alone" / "a.nii.gz", tumour())
    write(bad / "values" / "a.nii.gz", tumour() * 9)
    write(bad / "values" / "b.nii.gz", tumour())
    (bad / "text").mkdir()
    (bad / "text" / "a.nii.gz").write_text("hello")
    (bad / "text" / "b.nii.gz").write_bytes(b"")
    with pytest.raises(SomeExamsFailed, match="No exam could be compared"):
        assess_quality(bad, tmp_path / "cal.json")
    cohort(bad, {"good": 0})
    found = assess_quality(bad, tmp_path / "cal.json")
    assert [exam.case for exam in found.exams] == ["good"]
    assert "different grids" in found.failed["grid"]
    assert "one rater only" in found.failed["alone"]
    assert "value 18" in found.failed["values"]
    assert "a.nii.gz" in found.failed["text"]
    for case, fault in (("grid", InvalidImage), ("values", InvalidImage), ("text", InputUnreadable)):
        with pytest.raises(fault):
            assess_quality([named_case(map(str, sorted((bad / case).iterdir())))], tmp_path / "cal.json")
    calls: list[tuple[type[GlioscopeError], str, tuple[object, ...]]] = [
        (InputUnreadable, "missing or is no JSON", (folder, tmp_path / "none.json")),
        (InputUnreadable, "not a calibration", (folder, write_text(tmp_path / "o.json", "{}"))),
        (InputUnreadable, "not a document", (folder, write_text(tmp_path / "l.json", "[]"))),
        (InputUnreadable, "no folder and no CSV", (tmp_path / "nowhere", tmp_path / "cal.json")),
        (InputUnreadable, "columns have to be", (write_text(tmp_path / "m.csv", "a,b\n1,2\n"), tmp_path / "cal.json")),
    ]
    for kind, words, arguments in calls:
        with pytest.raises(kind, match=words):
            assess_quality(*arguments)  # type: ignore[arg-type]
    with pytest.raises(InputUnreadable, match="'nowhere' does not exist"):
        named_case(["nowhere"])
    with pytest.raises(InputUnreadable, match="Two masks are called 'a'"):
        named_case([str(folder / "x" / "a.nii.gz"), str(folder / "y" / "a.nii.gz")])
    with pytest.raises(InvalidImage, match="no fusion 'best'"):
        Comparison(method="best")
    with pytest.raises(InvalidImage, match="no metric 'iou'"):
        Comparison(metrics=("iou",))


def write_text(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def probability(path: Path, values: np.ndarray) -> Path:
    write_volume(path, Volume.of(values.astype(np.float32), AFFINE))
    return path


def test_uncertainty_of_files_with_a_reference(tmp_path: Path) -> None:
    inside = tumour() > 0
    files = [
        probability(tmp_path / f"fold{n}_label-WT_probseg.nii.gz", np.where(inside, p, 0)) for n, p in enumerate((1.0, 0.5))
    ]
    truth = write(tmp_path / "truth.nii.gz", tumour())
    found = assess_uncertainty(
        files, reference=truth, within=write(tmp_path / "in.nii.gz", inside.astype(np.uint8)), out=tmp_path / "o"
    )
    assert found["regions"]["WT"]["mean_entropy"] == pytest.approx(0.8113, abs=1e-4)
    assert found["regions"]["WT"]["mean_mutual_information"] == pytest.approx(0.8113 - 0.5, abs=1e-4)
    assert found["regions"]["WT"]["volume_ml"] == pytest.approx(0.8 * 6)
    assert found["calibration"]["WT"]["expected_calibration_error"] == pytest.approx(0.25)
    names = ["label-WT_desc-contradiction_map.nii.gz", "label-WT_desc-entropy_map.nii.gz", "label-WT_desc-mean_probseg.nii.gz"]
    assert sorted(p.name for p in (tmp_path / "o").iterdir()) == names
    assert assess_uncertainty(files[::-1]) == {k: v for k, v in found.items() if k != "calibration"}


def test_uncertainty_of_what_is_none(tmp_path: Path) -> None:
    logits = probability(tmp_path / "x_label-ET_probseg.nii.gz", tumour() * 4.0)
    with pytest.raises(InvalidImage, match="x_label-ET_probseg"):
        assess_uncertainty([logits])
    nameless = probability(tmp_path / "x.nii.gz", tumour() / 3)
    with pytest.raises(InvalidImage, match="--region"):
        assess_uncertainty([nameless])
    with pytest.raises(InputUnreadable, match="does not exist"):
        assess_uncertainty([tmp_path / "nowhere.nii.gz"], region="ET")
    with pytest.raises(InvalidImage, match=r"'t\.nii\.gz' and 'x\.nii\.gz' lie on different grids"):
        assess_uncertainty([nameless], region="ET", reference=write(tmp_path / "t.nii.gz", tumour(), np.eye(4)))
    with pytest.raises(InvalidImage, match="no region 'XX'"):
        assess_uncertainty([nameless], region="XX", reference=write(tmp_path / "t.nii.gz", tumour()))
    with pytest.raises(InputUnreadable, match="not the folder of an exam"):
        assess_uncertainty([nameless], region="ET", exam=tmp_path / "nowhere")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder with a report; to be copied, not changed."""
    folder = tmp_path_factory.mktemp("results")
    reported(folder, sequences=1)
    return folder / "out"


def test_the_report_shows_what_lies_beside_it(results: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(results, tmp_path / "out"))
    folder, anat = out / "sub-x", out / "sub-x" / "anat"
    quality, html = folder / "report" / "quality.json", folder / "report" / "report.html"
    assert "agreement" not in json.loads(quality.read_text())
    plain = html.read_text()
    for name, shift in (("netone", 0), ("nettwo", 4), ("fused", 0)):
        write(anat / f"sub-x_space-orig_seg-{name}_dseg.nii.gz", tumour(shift))
    probability(anat / "sub-x_space-orig_seg-netone_label-ET_probseg.nii.gz", tumour() / 3)
    probability(anat / "sub-x_space-orig_seg-flairthreshold_label-WT_probseg.nii.gz", tumour() / 3)
    rebuild_report(out, folder)
    document = json.loads(quality.read_text())
    assert document["agreement"]["raters"] == ["netone", "nettwo"]
    assert document["agreement"]["regions"]["WT"]["mean_dice"] == 0.6
    assert "raters-disagree" in {remark["code"] for remark in document["remarks"]}
    assert list(document["uncertainty"]["regions"]) == ["ET"]  # a baseline's scores are no probabilities
    page = html.read_text()
    assert "Agreement of the segmenters" in page
    assert "netone" in page
    assert "Uncertainty" in page
    (anat / "sub-x_space-orig_seg-nettwo_dseg.nii.gz").unlink()
    (anat / "sub-x_space-orig_seg-netone_label-ET_probseg.nii.gz").unlink()
    rebuild_report(out, folder)
    assert html.read_text() == plain


def test_alarms_of_a_results_dataset_reach_the_report(results: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(results, tmp_path / "out"))
    (out / "dataset_description.json").write_text("{}")
    for name, shift in (("a", 0), ("b", 0), ("c", 3), ("other", 0)):
        write(out / "sub-x" / "anat" / f"sub-x_space-orig_seg-{name}_dseg.nii.gz", tumour(shift))
    calibrate_quality(cohort(tmp_path / "c", {"x": 0, "y": 1, "z": 1}), tmp_path / "cal.json")
    (exam,) = assess_quality(out, tmp_path / "cal.json").exams
    assert (exam.case, exam.risk, exam.ignored) == ("sub-x", 6, ("other",))
    assert "the calibration does not know them: other." in exam.paragraph
    chosen = named_case(map(str, (out / "sub-x" / "anat").glob("*_dseg.nii.gz")), folder=out / "sub-x")
    with pytest.raises(InvalidImage, match=r"does not know \(other\)"):
        assess_quality([chosen], tmp_path / "cal.json")
    assert read_assessment(out / "sub-x" / "report" / "assessment.json")["alarms"]["risk"] == 6
    done = rebuild_report(out, out / "sub-x")
    assert json.loads(done.quality.read_text())["alarms"]["possible"] == 18
    assert "6 of 18 ensemble-discord alarms" in done.html.read_text()
    assert done.pdf.read_bytes().startswith(b"%PDF")
    before = (done.quality.read_bytes(), done.html.read_bytes(), done.pdf.read_bytes())
    again = rebuild_report(out, out / "sub-x")
    assert before == (again.quality.read_bytes(), again.html.read_bytes(), again.pdf.read_bytes())
    (out / "sub-x" / "report" / "assessment.json").write_text("[]")
    with pytest.raises(InputUnreadable, match="damaged; remove it"):
        rebuild_report(out, out / "sub-x")


def test_evidence_of_masks_that_were_remade_is_left_out_and_told(results: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(results, tmp_path / "out"))
    (out / "dataset_description.json").write_text("{}")
    folder = out / "sub-x"
    masks = {n: folder / "anat" / f"sub-x_space-orig_seg-{n}_dseg.nii.gz" for n in "abc"}
    for name, shift in (("a", 0), ("b", 0), ("c", 3)):
        write(masks[name], tumour(shift))
    calibrate_quality(cohort(tmp_path / "c", {"x": 0, "y": 1, "z": 1}), tmp_path / "cal.json")
    assess_quality(out, tmp_path / "cal.json")
    fresh = rebuild_report(out, folder).quality.read_bytes()
    assert "ensemble-alarms" in fresh.decode()
    assert b"judged" not in fresh
    write(masks["c"], tumour(1))
    document = json.loads((done := rebuild_report(out, folder)).quality.read_text())
    assert "alarms" not in document
    assert document["outdated"] == {"alarms": [f"anat/{masks['c'].name}"]}
    told = {remark["code"]: remark["sentence"] for remark in document["remarks"]}
    sentence = f"Alarms of an earlier `glioscope quality` left out, since {masks['c'].name} changed since; run it again."
    assert told["evidence-outdated"] == sentence
    assert "ensemble-alarms" not in told
    assert masks["c"].name in done.html.read_text()
    write(masks["c"], tumour(3))
    assert rebuild_report(out, folder).quality.read_bytes() == fresh  # the same mask again is the mask that was judged
    masks["c"].unlink()
    assert json.loads(rebuild_report(out, folder).quality.read_text())["outdated"]["alarms"] == [f"anat/{masks['c'].name}"]
    write(masks["c"], tumour(1))
    assess_quality(out, tmp_path / "cal.json")
    assert "outdated" not in json.loads(rebuild_report(out, folder).quality.read_text())


def test_evidence_from_masks_elsewhere_goes_with_the_masks_of_the_exam(results: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(results, tmp_path / "out")) / "sub-x"
    maps = [probability(tmp_path / f"fold{n}_label-WT_probseg.nii.gz", tumour() / 3) for n in range(2)]
    own = write(folder / "anat" / "sub-x_space-orig_seg-mine_dseg.nii.gz", tumour())
    assess_uncertainty(maps, exam=folder)
    assert "uncertainty" in current_assessment(folder)[0]
    write(own, tumour(2))
    assert current_assessment(folder) == ({}, {"uncertainty": [f"anat/{own.name}"]})
    document = json.loads((folder / "report" / "assessment.json").read_text())
    del document["uncertainty"]["judged"]
    (folder / "report" / "assessment.json").write_text(json.dumps(document))
    assert current_assessment(folder) == ({}, {"uncertainty": []})


def test_an_output_that_cannot_be_written_is_told_before_the_work(results: Path, tmp_path: Path) -> None:
    folder, seen = cohort(tmp_path / "c", {"x": 0, "y": 1}), Listener()
    calibrate_quality(folder, tmp_path / "cal.json")
    blocked = write_text(tmp_path / "file", "") / "below.json"
    for out, words in ((blocked, "cannot be written"), (folder, "is a folder; name the file")):
        with pytest.raises(OutputUnwritable, match=words):
            calibrate_quality(folder, out, progress=seen)
        with pytest.raises(OutputUnwritable, match=words):
            assess_quality(folder, tmp_path / "cal.json", csv_file=out, progress=seen)
    unread = [tmp_path / "x_label-WT_probseg.nii.gz"]
    unread[0].write_text("not looked at")
    with pytest.raises(OutputUnwritable, match="cannot be written"):
        assess_uncertainty(unread, out=blocked)
    damaged = Path(shutil.copytree(results, tmp_path / "out"))
    (damaged / "sub-x" / "report" / "assessment.json").write_text("[]")
    with pytest.raises(InputUnreadable, match="damaged"):
        assess_uncertainty(unread, exam=damaged / "sub-x")
    case = named_case([str(path) for path in sorted((folder / "x").glob("[abc].nii.gz"))], folder=damaged / "sub-x")
    with pytest.raises(InputUnreadable, match="damaged"):
        assess_quality([case], tmp_path / "cal.json", progress=seen)
    assert seen.told == []


@pytest.mark.parametrize(("name", "words"), [("nan", "has 1 voxel that is not finite"), ("flat", "is a 2-D image")])
def test_a_mask_of_nan_or_of_two_axes_says_so(tmp_path: Path, name: str, words: str) -> None:
    import nibabel as nib

    folder = cohort(tmp_path / "c", {"x": 0, "y": 1, "z": 1})
    calibrate_quality(folder, tmp_path / "cal.json")
    data = tumour().astype(np.float32)
    data[0, 0, 0] = np.nan
    bad = tmp_path / f"{name}.nii.gz"
    nib.Nifti1Image(data if name == "nan" else tumour()[8], AFFINE).to_filename(bad)
    p = probability(tmp_path / "p_label-WT_probseg.nii.gz", tumour() / 3)
    with pytest.raises(InvalidImage, match=words):
        assess_quality([named_case([f"a={bad}", f"b={folder / 'x' / 'b.nii.gz'}"])], tmp_path / "cal.json")
    with pytest.raises(InvalidImage, match=words):
        assess_uncertainty([p], reference=bad)
    with pytest.raises(InvalidImage, match=words):
        assess_uncertainty([p], reference=folder / "x" / "a.nii.gz", within=bad)
    with pytest.raises(InvalidImage, match="not finite" if name == "nan" else words):
        assess_uncertainty([bad], region="WT")
    shutil.copy(bad, folder / "x" / "a.nii.gz")
    assert words in calibrate_quality(folder, tmp_path / "cal.json").failed["x"]
    shutil.rmtree(folder / "z")
    with pytest.raises(SomeExamsFailed, match=f"one is left; the first that failed: .*{words}"):
        calibrate_quality(folder, tmp_path / "cal.json")


def test_the_run_and_the_report_after_it_agree(tmp_path: Path) -> None:
    anat = tmp_path / "out" / "sub-x" / "anat"
    for name, shift in (("a", 0), ("b", 2)):
        write(anat / f"sub-x_space-orig_seg-{name}_dseg.nii.gz", tumour(shift))
    first, _ = reported(tmp_path, sequences=1)
    before = first.quality.read_bytes()
    assert "agreement" in json.loads(before)
    assert rebuild_report(tmp_path / "out", tmp_path / "out" / "sub-x").quality.read_bytes() == before
    _, ledger = reported(tmp_path, sequences=1)
    assert all(record.reused for record in ledger.records.values())


def command(*arguments: object) -> tuple[int, str]:
    app = typer.Typer()
    commands.register(app)
    result = CliRunner().invoke(app, [str(a) for a in ("quality", *arguments)], standalone_mode=False)
    if result.exception:
        raise result.exception
    return int(result.return_value or 0), result.stdout


def test_the_commands(tmp_path: Path) -> None:
    folder, cal = cohort(tmp_path / "c", {"x": 0, "y": 1, "z": 3}), tmp_path / "cal.json"
    one = ("--jobs", 1)
    code, told = command("calibrate", folder, "-o", cal, "--alpha-for", "ET=0", "--json", *one)
    assert (code, json.loads(told)["alphas"]) == (0, {"ET": 0.0})
    assert "3 exams, 3 raters" in command("calibrate", folder, "-o", cal, *one)[1]
    code, told = command("assess", folder, "-c", cal, "--json", *one)
    assert json.loads(told)["work_list"][0]["case"] == "z"
    masks = [f"{r}={folder / 'z' / r}.nii.gz" for r in "abc"]
    assert "ensemble-discord alarms" in command("assess", *masks, "-c", cal)[1]
    p = probability(tmp_path / "p.nii.gz", tumour() / 3)
    assert json.loads(command("uncertainty", p, "--region", "WT", "--json")[1])["regions"]["WT"]["members"] == 1
    with pytest.raises(Exception, match="not NAME=ALPHA"):
        command("calibrate", folder, "--alpha-for", "ET")
    for wrong in (("--alpha", "nan"), ("--alpha-for", "ET=inf")):
        with pytest.raises(Exception, match="not a finite number"):
            command("calibrate", folder, *wrong)
    with pytest.raises(Exception, match="one exam"):
        command("assess", folder, "-c", cal, "--exam", folder)
    write(folder / "w" / "a.nii.gz", tumour())
    code, told = command("calibrate", folder, "-o", cal, *one)
    assert (code, "Left out, since they could not be compared: w." in told) == (10, True)
    with pytest.raises(Exception, match="not one of entropy"):
        command("calibrate", folder, "--alpha-by", "luck")


def test_real_raters(test_data: Path, tmp_path: Path) -> None:
    """Six algorithms and a reference: all are near their fusion, and the fusion is near the truth."""
    (case,) = [c for c in rater_cases(test_data / "exams" / "raters") if c.reference]
    assert len(case.raters) == 6
    compared = compare_raters(case, Comparison(regions=("WT", "ET"), metrics=("dice",)))
    assert compared.quality is not None
    assert compared.quality > 0.85
    assert all(0.85 < values["dice"] < 1 for regions in compared.table.values() for values in regions.values())
