"""`glioscope study` on a cohort made by hand."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from glioscope.core import InputUnreadable, InvalidImage, SomeExamsFailed
from glioscope.workflows.study import study
from tests.workflows.label_maps import save

AFFINE = np.diag([-1.0, -2.0, 5.0, 1.0])  # voxels of 10 mm3: 18 of them reach 0.175 ml, 17 do not


def bar(voxels: int, start: int = 0) -> NDArray[np.uint8]:
    data = np.zeros((40, 4, 4), np.uint8)
    data[start : start + voxels, 1, 1] = 1
    return data


# id -> reference, model A, model B (voxels and start), fold, hospital, set
COHORT = {
    "p1": ((20, 0), (20, 0), (30, 0), "0", "STO", "val"),  # both find it: Dice 1 and 40/50
    "p2": ((18, 0), (17, 0), (18, 0), "0", "STO", "val"),  # A stays below the cut
    "p3": ((17, 0), (0, 0), (18, 0), "1", "GOT", "val"),  # gross total; B a false alarm
    "p4": ((20, 0), (20, 10), (20, 20), "1", "GOT", "val"),  # A half on it, B elsewhere
    "p5": ((30, 0), (30, 0), (10, 0), "", "AMS", "test"),
    "p6": ((0, 0), (0, 0), (0, 0), "", "AMS", "test"),
}


def cohort(folder: Path) -> Path:
    lines = ["id,reference,model:A,model:Bee,fold,hospital,set,novice:N1,expert:E1,expert:E2,note"]
    for name, (reference, a, b, *facts) in COHORT.items():
        maps = {"ref": bar(*reference), "a": bar(*a), "b": bar(*b)}
        for kind, data in maps.items():
            save(folder / kind / f"{name}.nii.gz", data, AFFINE)
        people = [""] * 3
        if name in ("p5", "p6"):
            for number, voxels in enumerate((15, 20, 30) if name == "p5" else (0, 5, 0)):
                save(folder / f"r{number}" / f"{name}.nii.gz", bar(voxels), AFFINE)
                people[number] = f"r{number}/{name}.nii.gz"
        files = [f"{kind}/{name}.nii.gz" for kind in maps]
        lines.append(",".join([name, *files, *facts, *people, "x"]))
    table = folder / "cohort.csv"
    table.write_text("\n".join(lines) + "\n")
    return table


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def test_tables_by_hand(tmp_path: Path) -> None:
    found = study(cohort(tmp_path), tmp_path / "out")
    found.check()
    names = {path.name for path in found.files}
    tables = {"table3.csv", "table4.csv", "hospitals.csv", "patients.csv", "raters.csv"}
    assert names == tables | {"figure4.png", "tables.md", "study.json"}
    three = {(row["set"], row["model"]): row for row in rows(tmp_path / "out" / "table3.csv")}
    four = {(row["set"], row["model"]): row for row in rows(tmp_path / "out" / "table4.csv")}
    assert list(three) == [("val", "A"), ("val", "Bee"), ("test", "A"), ("test", "Bee")]
    a, b = three["val", "A"], three["val", "Bee"]
    # A: fold 0 finds 1 of 2, fold 1 1 of 1: 75 ± 25; no false alarm. B: 2 of 2 and 0 of 1: 50 ± 50.
    assert (a["recall_percent"], a["recall_sd"], a["precision_percent"]) == ("75.0", "25.0", "100.0")
    assert (b["recall_percent"], b["recall_sd"]) == ("50.0", "50.0")
    assert (b["precision_percent"], b["precision_sd"]) == ("50.0", "50.0")  # 2 of 2; 0 of 1
    # Dice over positives of A: fold 0: 1 and 34/35, fold 1: 0.5.
    assert float(a["dice_positive_percent"]) == pytest.approx(100 * (1 + 34 / 35 + 0.5) / 3, abs=0.005)
    assert float(a["dice_true_positive_percent"]) == 75.0
    # Specificity is known in fold 1 alone.
    assert (four["val", "A"]["specificity_percent"], four["val", "A"]["specificity_sd"]) == ("100.0", "")
    assert four["val", "Bee"]["specificity_percent"] == "0.0"
    test = three["test", "Bee"]
    assert (test["recall_percent"], test["recall_sd"], test["folds"]) == ("0.0", "", "0")  # 0.1 ml is below the cut
    assert four["test", "A"]["balanced_accuracy_percent"] == "100.0"


def test_hospitals_patients_and_raters_by_hand(tmp_path: Path) -> None:
    study(cohort(tmp_path), tmp_path / "out")
    by_site = {row["site"]: row for row in rows(tmp_path / "out" / "hospitals.csv")}
    counts = ("patients", "residual_tumour", "gross_total_resection", "residual_percent")
    assert [by_site["GOT"][name] for name in counts] == ["2", "1", "1", "50.0"]
    assert [by_site["STO"][name] for name in counts] == ["2", "2", "0", "100.0"]
    assert by_site["STO"]["A sensitivity"] == "50.0" and by_site["STO"]["A specificity"] == ""
    patients = {(row["id"], row["model"]): row for row in rows(tmp_path / "out" / "patients.csv")}
    assert patients["p2", "A"]["predicted_class"] == "GTR" and patients["p2", "A"]["reference_class"] == "RT"
    assert (patients["p2", "A"]["reference_ml"], patients["p2", "A"]["predicted_ml"]) == ("0.18", "0.17")
    raters = {(row["id"], row["rater"]): row for row in rows(tmp_path / "out" / "raters.csv")}
    assert raters["p5", "N1"]["kind"] == "novice" and raters["p5", "Bee"]["kind"] == "model"
    # Bars of 15, 20 and 30: two of three mark the first 20, which is the consensus; the reference has 30.
    assert float(raters["p5", "N1"]["with_reference"]) == 0.5
    assert float(raters["p5", "N1"]["with_consensus"]) == 0.75
    assert float(raters["p5", "E1"]["with_consensus"]) == 1.0
    assert float(raters["p5", "A"]["with_consensus"]) == pytest.approx(20 / 30)  # a model has no vote
    assert float(raters["p6", "E1"]["with_reference"]) == 0.0 and float(raters["p6", "A"]["with_reference"]) == 1.0
    document = json.loads((tmp_path / "out" / "study.json").read_text())
    assert document["figure4"]["consensus"]["N1"]["mean"] == pytest.approx((0.75 + 1) / 2)


def test_the_same_bytes_and_the_same_numbers_wherever_the_tumour_lies(tmp_path: Path) -> None:
    table = cohort(tmp_path)
    study(table, tmp_path / "one")
    study(table, tmp_path / "two")
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
    before = (tmp_path / "one" / "table3.csv").read_bytes()
    for folder in ("ref", "a", "b", "r0", "r1", "r2"):
        for file in (tmp_path / folder).iterdir():
            (reference, a, b, *_) = COHORT[file.name.split(".")[0]]
            shape = {"ref": reference, "a": a, "b": b}.get(folder)
            if shape:
                moved = np.roll(np.flip(bar(*shape), 0), 1, 2)
                affine = AFFINE.copy()
                affine[:3, 3] = (7, -3, 11)
                save(file, moved, affine)
    text = table.read_text().splitlines()
    table.write_text("\n".join(",".join(line.split(",")[:7]) for line in text))  # the raters stay behind
    study(table, tmp_path / "three")
    assert (tmp_path / "three" / "table3.csv").read_bytes() == before


def test_one_bad_patient_is_named_and_the_others_are_compared(tmp_path: Path) -> None:
    table = cohort(tmp_path)
    save(tmp_path / "a" / "p4.nii.gz", bar(3)[:20], AFFINE)
    found = study(table, tmp_path / "out")
    assert found.studies["A"]["val"].overall.patients == 3
    assert "voxels instead of" in str(found.failed[0].error)
    with pytest.raises(SomeExamsFailed, match="1 of 6 patients could not be compared: p4"):
        found.check()
    for file in (tmp_path / "ref").iterdir():
        file.write_bytes(b"")
    with pytest.raises(InvalidImage, match=r"No patient of 'cohort\.csv'"):
        study(table)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id,prediction\np,x.nii\n", "no column 'reference'"),
        ("id,reference\np,x.nii\n", "has no model"),
        ("id,reference,model:A,expert:A\np,r.nii,a.nii,e.nii\n", "two columns for 'A'"),
        ("id,reference,model:A\np,,a.nii\n", "names no reference for 'p'"),
        ("id,reference,model:A\np,r.nii,\n", "no prediction of 'A' for 'p'"),
        ("reference,model:A\nr.nii,a.nii\n", "no column 'id'"),
    ],
)
def test_tables_that_will_not_do(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputUnreadable, match=told):
        study(tmp_path / "t.csv")


def test_labels_of_another_scheme_are_refused_and_can_be_named(tmp_path: Path) -> None:
    data = bar(20)
    data[30:38, 2, 2] = 3
    save(tmp_path / "r.nii.gz", data, AFFINE)
    (tmp_path / "t.csv").write_text("id,reference,prediction\np,r.nii.gz,r.nii.gz\n")
    with pytest.raises(InvalidImage, match="which scheme 'residual' does not define"):
        study(tmp_path / "t.csv")
    found = study(tmp_path / "t.csv", scheme="brats-2023", threshold_ml=0.05)
    assert found.patients["prediction"]["all"][0].reference_ml == pytest.approx(0.08)
    with pytest.raises(InvalidImage, match="has no region 'RC'"):
        study(tmp_path / "t.csv", scheme="brats-2023", region="RC")
    (tmp_path / "t.csv").write_text("id,reference,prediction\np,r.nii.gz,\n")
    missing = study(tmp_path / "t.csv", scheme="brats-2023", threshold_ml=0.05, allow_missing=True)
    assert missing.studies["prediction"]["all"].overall.fn == 1
