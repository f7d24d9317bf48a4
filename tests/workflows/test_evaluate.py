from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from glioscope.cli.evaluate import register
from glioscope.core import GlioscopeError, InputUnreadable, InvalidImage
from glioscope.workflows.evaluate import Evaluation, evaluate
from glioscope.workflows.score_files import write_lesions, write_plots, write_scores
from tests.workflows.label_maps import AFFINE, nested, save

app = typer.Typer(pretty_exceptions_enable=False)
register(app)


def cli(*arguments: object) -> int:
    return int(app(args=[str(argument) for argument in arguments], standalone_mode=False) or 0)


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    """Three references, and predictions that are perfect, moved by one voxel, and empty."""
    for name, prediction in (("c1", nested()), ("c2", nested(1)), ("c3", np.zeros_like(nested()))):
        save(tmp_path / "ref" / f"{name}_seg.nii.gz", nested())
        save(tmp_path / "pred" / f"{name}.nii.gz", prediction)
    return tmp_path


def scores(evaluation: Evaluation) -> dict[str, dict[str, Any]]:
    return {case.id: {name: dict(region.values) for name, region in case.regions.items()} for case in evaluation.cases}


def test_three_cases_by_hand(cohort: Path) -> None:
    evaluation = evaluate(cohort / "pred", cohort / "ref", protocol="general", jobs=1)
    found = scores(evaluation)

    assert evaluation.failed == ()
    assert found["c1"]["ET"]["dice"] == 1.0
    assert found["c2"]["WT"]["dice"] == pytest.approx(0.9)  # ten columns, one lost and one gained: 2 * 9 / 20
    assert found["c3"]["WT"]["dice"] == 0.0
    assert found["c2"]["WT"]["reference_volume_mm3"] == pytest.approx(10 * 8 * 8 * 6)
    summary = evaluation.summary["WT"]["dice"] if evaluation.summary else None
    assert summary is not None and summary.mean == pytest.approx(1.9 / 3) and summary.median == pytest.approx(0.9)


def test_json_is_the_only_thing_on_standard_output(cohort: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli("evaluate", cohort / "pred", cohort / "ref", "-p", "brats-2024-gli", "--json", "--jobs", 1) == 0

    document = json.loads(capfd.readouterr().out)
    assert document["protocol"] == "brats-2024-gli"
    assert [case["id"] for case in document["cases"]] == ["c1", "c2", "c3"]
    values = document["cases"][0]["regions"]["ET"]
    assert {
        "lesion_dice",
        "lesion_hd95",
        "lesion_nsd_0.5",
        "dice",
        "hd95",
        "sensitivity",
        "tp",
        "reference_volume_mm3",
    } <= values.keys()
    assert values.keys() <= document["definitions"].keys()
    assert document["summary"]["ET"]["dice"]["count"] == 3
    assert document["failed"] == [] == document["left_out"]


def test_a_bad_case_fails_alone(cohort: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole = (cohort / "pred" / "c1.nii.gz").read_bytes()
    for name in ("cut", "other", "text", "nan", "flat"):
        save(cohort / "ref" / f"{name}_seg.nii.gz", nested())
    (cohort / "pred" / "cut.nii.gz").write_bytes(whole[: len(whole) // 2])
    (cohort / "pred" / "text.nii.gz").write_text("not an image")
    save(cohort / "pred" / "other.nii.gz", nested()[:20])
    save(cohort / "pred" / "nan.nii.gz", np.full((24, 20, 16), np.nan, np.float32))
    save(cohort / "pred" / "flat.nii.gz", nested()[:, :, :1])

    code = cli("evaluate", cohort / "pred", cohort / "ref", "-p", "brats-2023-gli", "--json", "--jobs", 1)

    document = json.loads(capfd.readouterr().out)
    assert code == 10
    assert [case["id"] for case in document["cases"]] == ["c1", "c2", "c3"]
    told = {failed["id"]: failed["error"] for failed in document["failed"]}
    assert told.keys() == {"cut", "other", "text", "nan", "flat"}
    assert "20 x 20 x 16 voxels instead of 24 x 20 x 16" in told["other"] and "--resample" in told["other"]
    assert "2-D" in told["flat"] and "not finite" in told["nan"]
    for name, sentence in told.items():
        assert f"'{name}.nii.gz'" in sentence and "\n" not in sentence and str(cohort) not in sentence


def test_the_error_of_a_single_case_is_the_commands_own(cohort: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli("evaluate", cohort / "pred" / "c1.nii.gz", cohort / "ref" / "absent.nii.gz".replace("absent", "c1_seg")) == 0
    wrong = save(cohort / "wrong.nii.gz", nested() * 9)
    assert cli("evaluate", wrong, cohort / "ref" / "c1_seg.nii.gz") == 6
    assert "has the value 9" in " ".join(capfd.readouterr().out.split())


def test_missing_predictions(cohort: Path) -> None:
    (cohort / "pred" / "c1.nii.gz").unlink()
    with pytest.raises(InputUnreadable, match="'c1'"):
        evaluate(cohort / "pred", cohort / "ref", protocol="general")
    evaluation = evaluate(cohort / "pred", cohort / "ref", protocol="general", allow_missing=True, jobs=1)
    found = scores(evaluation)
    assert found["c1"] == found["c3"]
    assert evaluation.cases[0].facts["prediction"] is None


def test_schemes_are_converted_and_unknown_labels_name_themselves(tmp_path: Path) -> None:
    old = save(tmp_path / "old.nii.gz", nested(1, "brats-2021"))
    new, reference = save(tmp_path / "new.nii.gz", nested(1)), save(tmp_path / "ref.nii.gz", nested())
    protocol = "brats-2023-gli-corrected"

    (failed,) = evaluate(old, reference, protocol=protocol).failed
    assert "'old.nii.gz' has the value 4" in str(failed.error) and "--scheme-pred" in str(failed.error)
    converted = scores(evaluate(old, reference, protocol=protocol, prediction_scheme="brats-2021"))
    assert list(converted.values()) == list(scores(evaluate(new, reference, protocol=protocol)).values())
    (failed,) = evaluate(old, reference, protocol=protocol, prediction_scheme="brats-2024-gli").failed
    assert "'old.nii.gz'" in str(failed.error) and "RC" in str(failed.error)
    renamed = scores(evaluate(old, reference, protocol="brats-2024-gli-corrected", prediction_scheme="brats-2021"))
    assert renamed == scores(evaluate(new, reference, protocol="brats-2024-gli-corrected"))
    (failed,) = evaluate(new, reference, protocol=protocol, prediction_scheme="brats-2021").failed
    assert "'new.nii.gz'" in str(failed.error) and "the value 3" in str(failed.error)


def test_radiotherapy_takes_any_label_as_target(tmp_path: Path) -> None:
    labels, mask = save(tmp_path / "a.nii.gz", nested(1)), save(tmp_path / "b.nii.gz", (nested(1) > 0).astype(np.uint8))
    reference = save(tmp_path / "ref.nii.gz", nested())
    first, second = (scores(evaluate(path, reference, protocol="brats-2024-men-rt", resample=True)) for path in (labels, mask))
    assert first["ref"] == second["ref"]


def test_another_orientation_is_refused_or_undone_exactly(tmp_path: Path) -> None:
    reference = save(tmp_path / "ref.nii.gz", nested())
    plain = save(tmp_path / "plain.nii.gz", nested(1))
    turned_affine = AFFINE @ np.array([[0, 0, -1, 23], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]], float)
    turned = save(tmp_path / "turned.nii.gz", np.ascontiguousarray(np.transpose(nested(1)[::-1], (1, 2, 0))), turned_affine)

    (failed,) = evaluate(turned, reference, protocol="general").failed
    assert "orientation" in str(failed.error) and isinstance(failed.error, InvalidImage)
    assert scores(evaluate(turned, reference, protocol="general", resample=True)) == scores(
        evaluate(plain, reference, protocol="general")
    )


def test_position_and_spacing_are_told_resampled_or_ignored(tmp_path: Path) -> None:
    reference = save(tmp_path / "ref.nii.gz", nested())
    moved = AFFINE.copy()
    moved[:3, 3] = (-1.0, 0.0, 0.0)  # one voxel along the first axis
    there = save(tmp_path / "there.nii.gz", np.roll(nested(), -1, axis=0), moved)
    wide = save(tmp_path / "wide.nii.gz", nested(), np.diag([-1.2, -2.0, 3.0, 1.0]))

    (failed,) = evaluate(there, reference, protocol="general").failed
    assert "position that differs by up to 1 mm" in str(failed.error)
    (failed,) = evaluate(wide, reference, protocol="general").failed
    assert "voxels of 1.2 x 2 x 3 mm instead of 1 x 2 x 3 mm" in str(failed.error)
    brought = scores(evaluate(there, reference, protocol="general", resample=True))["ref"]
    assert {region["dice"] for region in brought.values()} == {1.0}
    ignored = scores(evaluate(wide, reference, protocol="general", ignore_affine=True))["ref"]
    assert ignored["WT"]["dice"] == 1.0 and ignored["WT"]["predicted_volume_mm3"] == pytest.approx(3840.0)


def test_tables_carry_every_number_and_their_definitions(cohort: Path) -> None:
    table = cohort / "cases.csv"
    rows = [f"{name},pred/{name}.nii.gz,ref/{name}_seg.nii.gz,{fold}" for name, fold in (("c1", 0), ("c2", 0), ("c3", 1))]
    table.write_text("\n".join(["id,prediction,reference,fold", *rows]))
    evaluation = evaluate(table, protocol="general", jobs=1)
    write_scores(cohort / "out" / "scores.csv", evaluation)
    write_lesions(cohort / "out" / "lesions.tsv", evaluation)

    with (cohort / "out" / "scores.csv").open() as stream:
        read = {(row["id"], row["region"]): row for row in csv.DictReader(stream)}
    assert len(read) == 9 and read["c3", "ET"]["fold"] == "1"
    assert float(read["c2", "WT"]["dice"]) == scores(evaluation)["c2"]["WT"]["dice"]
    about = json.loads((cohort / "out" / "scores.definitions.json").read_text())
    assert about["protocol"] == "general" and set(evaluation.metrics) <= about["definitions"].keys() and about["failed"] == []
    with (cohort / "out" / "lesions.tsv").open() as stream:
        lesions = list(csv.DictReader(stream, delimiter="\t"))
    assert [(row["id"], row["kind"]) for row in lesions if row["region"] == "WT"] == [("c1", "tp"), ("c2", "tp"), ("c3", "fn")]
    assert json.loads((cohort / "out" / "lesions.definitions.json").read_text())["definitions"]["kind"].startswith("tp:")


def test_parquet_is_the_same_table(cohort: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    evaluation = evaluate(cohort / "pred", cohort / "ref", protocol="general", jobs=1)
    write_scores(cohort / "scores.parquet", evaluation)
    first = (cohort / "scores.parquet").read_bytes()

    table = parquet.read_table(cohort / "scores.parquet")
    dice = {(row["id"], row["region"]): row["dice"] for row in table.to_pylist()}
    assert dice == {(case, name): by["dice"] for case, regions in scores(evaluation).items() for name, by in regions.items()}
    assert json.loads(table.schema.metadata[b"glioscope"])["protocol"] == "general"
    write_scores(cohort / "scores.parquet", evaluation)
    assert (cohort / "scores.parquet").read_bytes() == first


def test_processes_change_nothing_and_leave_nothing_behind(
    cohort: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    scratch = tmp_path_factory.mktemp("scratch")
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr("tempfile.tempdir", None)
    one = evaluate(cohort / "pred", cohort / "ref", protocol="brats-2024-gli", jobs=1).document()
    assert not list(scratch.rglob("*"))
    assert evaluate(cohort / "pred", cohort / "ref", protocol="brats-2024-gli", jobs=2).document() == one
    assert not [path for path in scratch.rglob("*") if path.is_file()]


def test_plots_are_named_after_what_they_show(cohort: Path) -> None:
    evaluation = evaluate(cohort / "pred", cohort / "ref", protocol="general", jobs=1)
    written = [path.name for path in write_plots(cohort / "plots", evaluation)]

    assert {"box_dice.png", "box_lesion_hd95.png", "lesion_size.png", "bland_altman_volume.png", "definitions.json"} <= set(
        written
    )
    assert sorted(path.name for path in (cohort / "plots").iterdir()) == sorted(written)


def test_residual_study_takes_folds_from_the_table(cohort: Path, capfd: pytest.CaptureFixture[str]) -> None:
    table = cohort / "cases.csv"
    rows = [f"{name},pred/{name}.nii.gz,ref/{name}_seg.nii.gz,{fold}" for name, fold in (("c1", 0), ("c2", 0), ("c3", 1))]
    table.write_text("\n".join(["id,prediction,reference,fold", *rows]))

    assert cli("evaluate", table, "--study", "residual", "--region", "WT", "--json", "--jobs", 1) == 0
    study = json.loads(capfd.readouterr().out)["residual"]
    assert (study["overall"]["tp"], study["overall"]["fn"]) == (2, 1)
    assert study["folds"]["0"]["sensitivity"] == 1.0 and study["folds"]["1"]["sensitivity"] == 0.0
    assert study["over_folds"]["sensitivity"]["mean"] == pytest.approx(2 / 3)
    assert study["overall"]["dice_true_positive"]["mean"] == pytest.approx(0.95)


def test_what_cannot_be_done_is_refused_before_any_work(cohort: Path) -> None:
    pair = (cohort / "pred", cohort / "ref")
    for options, told in (
        ({"protocol": "brats-1999"}, "no protocol 'brats-1999'"),
        ({"protocol": "general", "prediction_scheme": "nonsense"}, "no label scheme 'nonsense'"),
        ({"protocol": "general", "study": "nonsense"}, "no study 'nonsense'"),
        ({"protocol": "general", "study": "residual", "region": "XX"}, "no region 'XX'"),
        ({"protocol": "brats-2023-gli", "study": "residual"}, "predicted volumes"),
    ):
        with pytest.raises(GlioscopeError, match=told):
            evaluate(*pair, **options)  # type: ignore[arg-type]
    with pytest.raises(typer.BadParameter, match="must end in"):
        app(args=["evaluate", *map(str, pair), "--csv", "scores.xlsx"], standalone_mode=False)


def test_files_give_the_official_numbers(test_data: Path) -> None:
    folder = test_data / "golden" / "lesionwise"
    expected = json.loads((folder / "expected.json").read_text())
    evaluation = evaluate(
        folder, folder, protocol="brats-2023-gli", prediction_files="*_pred.nii.gz", reference_files="*_gt.nii.gz", jobs=1
    )
    assert len(evaluation.cases) == 14
    for case in evaluation.cases:
        for region, official in expected[case.id]["2023/BraTS-GLI"].items():
            values = case.regions[region].values
            assert values["lesion_dice"] == pytest.approx(official["LesionWise_Score_Dice"], abs=1e-6)
            assert values["lesion_hd95"] == pytest.approx(official["LesionWise_Score_HD95"], abs=1e-6)
            assert values["reference_volume_mm3"] == pytest.approx(official["GT_Complete_Volume"], abs=1e-6)
