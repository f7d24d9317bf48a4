"""`glioscope fuse` on files: label maps and probabilities, schemes, grids, weights, the report, faults in a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from glioscope.cli.fuse import register
from glioscope.core import (
    SCHEMES,
    GlioscopeError,
    InputUnreadable,
    InvalidImage,
    OutputUnwritable,
    Volume,
    read_labels,
    write_volume,
)
from glioscope.core import read_probabilities as read_map
from glioscope.fusion import FusionOptions
from glioscope.postprocessing import Chain, RaterWeights, RemoveDust, Size, Thresholds, save_postprocessing
from glioscope.workflows.fuse import fuse
from glioscope.workflows.postprocess import postprocess, undo_postprocess
from tests.fusion.maps import Labels

AFFINE = np.array([[-1.0, 0, 0, 20], [0, -2.0, 0, 30], [0, 0, 1.5, -10], [0, 0, 0, 1]])
ROWS = {"a": [0, 1, 2, 3, 3], "b": [0, 1, 2, 2, 3], "c": [2, 2, 2, 3, 0]}


def labels(values: list[int]) -> Labels:
    return np.tile(np.array(values, np.uint8)[:, None, None], (1, 3, 2))


@pytest.fixture
def masks(tmp_path: Path) -> list[Path]:
    for name, values in ROWS.items():
        write_volume(tmp_path / f"sub-1_seg-{name}_dseg.nii.gz", Volume.of(labels(values), AFFINE))
    return sorted(tmp_path.glob("*.nii.gz"))


def test_the_mask_and_its_report(masks: list[Path], tmp_path: Path) -> None:
    done = fuse(masks, tmp_path / "out" / "fused.nii.gz", method="majority")
    fused = read_labels(done.out)
    assert fused.data[:, 0, 0].tolist() == [0, 1, 2, 3, 3]
    np.testing.assert_allclose(fused.grid.affine, AFFINE)
    report = json.loads((tmp_path / "out" / "fused.json").read_text())
    assert report["method"] == "majority"
    assert "at least half" in report["definition"]
    assert [rater["name"] for rater in report["raters"]] == ["a", "b", "c"]
    assert report["regions"]["WT"]["volume_ml"] == pytest.approx(4 * 6 * 3 / 1000)  # 4 planes of 6 voxels of 3 mm3
    found = report["regions"]["WT"]["raters"]["c"]
    assert found == {"volume_ml": 0.072, "dice": 0.75, "sensitivity": 0.75, "specificity": 0.0}
    assert report["votes"]["ET"]["kept"] == ["a", "b", "c"]
    assert report["grid"] == {"shape": [5, 3, 2], "spacing_mm": [1.0, 2.0, 1.5], "orientation": "LPS"}


def test_the_same_bytes_every_time(masks: list[Path], tmp_path: Path) -> None:
    for folder in ("x", "y"):
        fuse(masks, tmp_path / folder / "f.nii.gz", method="staple")
    for name in ("f.nii.gz", "f.json"):
        assert (tmp_path / "x" / name).read_bytes() == (tmp_path / "y" / name).read_bytes()


def test_staple_reports_every_rater(masks: list[Path], tmp_path: Path) -> None:
    votes = fuse(masks, tmp_path / "f.nii", method="staple").report["votes"]
    assert list(votes) == ["WT", "TC", "ET"]
    for vote in votes.values():
        assert set(vote["estimated_sensitivity"]) == {"a", "b", "c"}
        assert all(0 <= v <= 1 for v in vote["estimated_specificity"].values())
    together = fuse(masks, tmp_path / "g.nii", method="staple", options=FusionOptions(by="labels")).report
    assert together["confusion"]["labels"] == ["background", "NCR", "ED", "ET"]
    np.testing.assert_allclose(np.sum(together["confusion"]["raters"]["a"], axis=0), 1, atol=1e-5)


def test_schemes_are_told_file_by_file_and_converted(masks: list[Path], tmp_path: Path) -> None:
    old = tmp_path / "old.nii.gz"
    write_volume(old, Volume.of(np.array([0, 1, 2, 4], np.uint8)[labels(ROWS["a"])], AFFINE))
    done = fuse([old, *masks], tmp_path / "f.nii.gz", method="majority")
    assert [rater["scheme"] for rater in done.report["raters"]] == ["brats-2021", *["brats-2023"] * 3]
    assert done.report["scheme"] == "brats-2023"
    assert read_labels(done.out).data[:, 0, 0].tolist() == [0, 1, 2, 3, 3]
    fuse([old, *masks], tmp_path / "f.nii.gz", method="majority", scheme="brats-2021")
    assert read_labels(done.out).data[:, 0, 0].tolist() == [0, 1, 2, 4, 4]


def test_entropy_and_a_folder_of_masks(masks: list[Path], tmp_path: Path) -> None:
    done = fuse([masks[0].parent], tmp_path / "o" / "e.nii.gz", method="entropy")
    third = -(np.log2(1 / 3) + 2 * np.log2(2 / 3)) / 3
    np.testing.assert_allclose(read_entropy(done.out), [third, third, 0, third, third], atol=1e-6)
    assert done.report["mean_entropy_bits_where_anyone_votes"] == pytest.approx(4 / 5 * third, abs=1e-4)


def read_entropy(path: Path) -> np.ndarray:
    import nibabel as nib

    return np.asarray(nib.load(path).dataobj)[:, 0, 0]


def turned(path: Path, to: Path, orientation: str) -> Path:
    write_volume(to, read_labels(path).reoriented(orientation))
    return to


def test_another_orientation_is_refused_turned_or_ignored(masks: list[Path], tmp_path: Path) -> None:
    plain = fuse(masks, tmp_path / "plain.nii.gz", method="majority")
    other = turned(masks[1], tmp_path / "other.nii.gz", "RAS")
    given = [masks[0], other, masks[2]]
    with pytest.raises(InvalidImage, match=r"'other.nii.gz' has orientation RAS instead of LPS.*--resample.*--ignore-affine"):
        fuse(given, tmp_path / "f.nii.gz")
    done = fuse(given, tmp_path / "f.nii.gz", method="majority", resample=True)
    assert "was turned to it" in done.report["decided"][0]
    np.testing.assert_array_equal(read_labels(done.out).data, read_labels(plain.out).data)
    wrong = tmp_path / "wrong.nii.gz"  # the same array under a header that says otherwise
    write_volume(wrong, Volume.of(read_labels(masks[1]).data, np.diag([1.0, 2.0, 1.5, 1])))
    done = fuse([masks[0], wrong, masks[2]], tmp_path / "f.nii.gz", method="majority", ignore_affine=True)
    assert "voxel by voxel" in done.report["decided"][0]
    np.testing.assert_array_equal(read_labels(done.out).data, read_labels(plain.out).data)


def test_another_shape_or_spacing_is_never_ignored(masks: list[Path], tmp_path: Path) -> None:
    small, wide = tmp_path / "small.nii.gz", tmp_path / "wide.nii.gz"
    write_volume(small, Volume.of(labels([0, 1]), AFFINE))
    write_volume(wide, Volume.of(labels(ROWS["a"]), AFFINE @ np.diag([1, 1, 1.2, 1])))
    for other, words in ((small, "2 x 3 x 2 voxels instead of 5 x 3 x 2"), (wide, "voxels of 1 x 2 x 1.8 mm")):
        with pytest.raises(InvalidImage, match=words) as error:
            fuse([masks[0], other], tmp_path / "f.nii.gz", ignore_affine=True)
        assert other.name in str(error.value)
    done = fuse([masks[0], wide], tmp_path / "f.nii.gz", resample=True)
    assert "was resampled" in done.report["decided"][0]


def of_regions(**weights: float) -> dict[str, dict[str, float]]:
    return {region: dict(weights) for region in ("WT", "TC", "ET")}


def maps(folder: Path, rater: str, rows: dict[str, list[float]]) -> list[Path]:
    paths = []
    for region, values in rows.items():
        paths.append(folder / f"sub-1_seg-{rater}_label-{region}_probseg.nii.gz")
        data = np.tile(np.array(values, np.float32)[:, None, None], (1, 3, 2))
        write_volume(paths[-1], Volume.of(data, AFFINE))
    return paths


def test_probabilities_of_regions(tmp_path: Path) -> None:
    given = maps(tmp_path, "a", {"WT": [0.9, 0.6, 0.2], "TC": [0.8, 0.4, 0], "ET": [0.6, 0, 0]})
    given += maps(tmp_path, "b", {"WT": [0.7, 0.8, 0.1], "TC": [0.6, 0.2, 0], "ET": [0.2, 0, 0]})
    done = fuse(given, tmp_path / "o" / "fused_dseg.nii.gz", method="mean")
    assert read_labels(done.out).data[:, 0, 0].tolist() == [1, 2, 0]
    np.testing.assert_allclose(
        read_map(tmp_path / "o" / "fused_label-WT_probseg.nii.gz").data[:, 0, 0], [0.8, 0.7, 0.15], atol=1e-6
    )
    assert [rater["name"] for rater in done.report["raters"]] == ["a", "b"]
    assert done.report["regions"]["TC"]["volume_ml"] == 0.018
    weights = tuned(tmp_path / "w.json", of_regions(a=1, b=0))
    done = fuse(given, tmp_path / "o" / "fused_dseg.nii.gz", method="weighted-mean", weights=weights)
    assert read_labels(done.out).data[:, 0, 0].tolist() == [3, 2, 0]
    alone = fuse([given[0], given[3]], tmp_path / "o" / "wt.nii.gz", method="max")
    np.testing.assert_allclose(read_map(alone.out).data[:, 0, 0], [0.9, 0.8, 0.2], atol=1e-6)
    with pytest.raises(InputUnreadable, match="'b' has no map of ET"):
        fuse(given[:-1], tmp_path / "o" / "f.nii.gz", method="mean")


def tuned(path: Path, weights: dict[str, dict[str, float]], thresholds: dict[str, float] | None = None) -> Path:
    save_postprocessing(path, Chain((), Thresholds(thresholds) if thresholds else None, RaterWeights(weights)))
    return path


def test_the_file_of_tune_is_the_file_of_weights(masks: list[Path], tmp_path: Path) -> None:
    file = tuned(tmp_path / "w.json", of_regions(a=0.3, b=0.3, c=0.4), {"WT": 0.35, "TC": 0.65, "ET": 0.6})
    done = fuse(masks, tmp_path / "f.nii.gz", method="weighted", weights=file)
    # By hand: c alone is enough for WT; TC needs more than a and b together; ET has a and b (0.6) or a and c (0.7).
    assert read_labels(done.out).data[:, 0, 0].tolist() == [2, 2, 2, 3, 2]
    assert done.report["parameters"]["thresholds"] == {"WT": 0.35, "TC": 0.65, "ET": 0.6}
    by_label = tuned(tmp_path / "l.json", {name: {"a": 1, "b": 0, "c": 0} for name in ("NCR", "ED", "ET")})
    done = fuse(masks, tmp_path / "f.nii.gz", method="weighted", weights=by_label)
    assert done.report["by"] == "labels"
    np.testing.assert_array_equal(read_labels(done.out).data, read_labels(masks[0]).data)


def test_fusing_and_post_processing_take_one_file_the_same_way(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    for rater in ("one", "two"):
        outer = rng.random((6, 5, 4), np.float32)
        for region, share in (("WT", 1.0), ("TC", 0.8), ("ET", 0.7)):
            place = tmp_path / rater / f"sub-1_seg-x_label-{region}_probseg.nii.gz"
            write_volume(place, Volume.of(outer * np.float32(share), AFFINE))
    weights = RaterWeights(of_regions(one=0.7, two=0.3))
    chain = Chain((RemoveDust({"ET": Size(9)}, connectivity=6),), Thresholds({"WT": 0.45, "TC": 0.4, "ET": 0.45}), weights)
    save_postprocessing(file := tmp_path / "w.json", chain)
    done = fuse([tmp_path / "one", tmp_path / "two"], tmp_path / "f.nii.gz", method="weighted-mean", weights=file)
    assert [rater["name"] for rater in done.report["raters"]] == ["one", "two"]  # by folder, as the file has them
    (other,) = postprocess([tmp_path / "one", tmp_path / "two"], tmp_path / "p.nii.gz", steps=file)
    np.testing.assert_array_equal(read_labels(done.out).data, read_labels(other.labels).data)
    assert (
        json.loads(done.files["changes"].read_text())["changes"] == json.loads(other.record_file.read_text())["changes"] != []
    )
    assert set(np.unique(read_labels(done.out).data)) == {0, 1, 2, 3}


def test_the_steps_of_the_file_are_done_and_recorded(masks: list[Path], tmp_path: Path) -> None:
    """b sees a voxel that nobody else sees; with its weight it is there, and 3 mm3 of dust."""
    one, two = labels([0, 0, 0, 2, 3]), labels([0, 0, 0, 2, 3])
    two[0, 0, 0] = 2
    files = [tmp_path / f"{name}.nii.gz" for name in ("one", "two")]
    for path, data in zip(files, (one, two), strict=True):
        write_volume(path, Volume.of(data, AFFINE))
    file = tmp_path / "w.json"
    dust = RemoveDust({"WT": Size(10)})
    save_postprocessing(file, Chain((dust,), None, RaterWeights(of_regions(one=0.3, two=0.7))))
    done = fuse(files, tmp_path / "f.nii.gz", method="weighted", weights=file)
    np.testing.assert_array_equal(read_labels(done.out).data, one)
    report = json.loads((tmp_path / "f.json").read_text())
    assert report["steps"] == [dust.document()]
    assert [(c["step"], c["region"], c["volume_mm3"]) for c in report["changes"]] == [("remove-dust", "WT", 3.0)]
    # What the report says of raters and volumes is of the mask written.
    assert report["regions"]["WT"]["volume_ml"] == 0.036
    assert report["regions"]["WT"]["raters"]["one"]["dice"] == 1
    assert report["regions"]["WT"]["raters"]["two"]["dice"] == pytest.approx(2 * 12 / (12 + 13), abs=1e-6)
    before = undo_postprocess(done.out, done.files["changes"], tmp_path / "before.nii.gz")
    np.testing.assert_array_equal(read_labels(before).data, two)
    without = tuned(tmp_path / "w2.json", of_regions(one=0.3, two=0.7))
    plain = fuse(files, tmp_path / "g.nii.gz", method="weighted", weights=without)
    np.testing.assert_array_equal(read_labels(plain.out).data, two)
    assert "steps" not in plain.report
    assert "changes" not in plain.files


def test_steps_that_cannot_be_done_are_told(tmp_path: Path) -> None:
    given = maps(tmp_path, "a", {"WT": [0.9, 0.6, 0.2]}) + maps(tmp_path, "b", {"WT": [0.7, 0.8, 0.1]})
    save_postprocessing(
        tmp_path / "w.json", Chain((RemoveDust({"WT": Size(10)}),), None, RaterWeights({"WT": {"a": 1, "b": 1}}))
    )
    done = fuse(given, tmp_path / "f.nii.gz", method="weighted-mean", weights=tmp_path / "w.json")
    assert done.report["decided"] == ["The steps of the file of weights were not done: they need a label map of all regions."]


def test_weights_that_do_not_fit(masks: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "f.nii.gz"
    file = tuned(tmp_path / "w.json", of_regions(a=1, b=1, c=1))
    with pytest.raises(InvalidImage, match="c is not among the raters given: a, b, x"):
        fuse(masks, out, method="weighted", weights=file, names=["a", "b", "x"])
    with pytest.raises(InvalidImage, match="no weight for rater 'x' in WT"):
        extra = tmp_path / "sub-1_seg-x_dseg.nii.gz"
        extra.write_bytes(masks[0].read_bytes())
        fuse([*masks, extra], out, method="weighted", weights=file)
    with pytest.raises(InvalidImage, match="no weights for NCR"):
        fuse(masks, out, method="weighted", weights=file, options=FusionOptions(by="labels"))
    with pytest.raises(InputUnreadable, match="takes no weights"):
        fuse(masks, out, method="staple", weights=file)
    save_postprocessing(file, Chain((), Thresholds({"WT": 0.5})))
    with pytest.raises(InputUnreadable, match="has no raters' weights"):
        fuse(masks, out, method="weighted", weights=file)
    with pytest.raises(InputUnreadable, match=r"'none\.json' does not exist"):
        fuse(masks, out, method="weighted", weights="none.json")
    assert not out.exists()


def test_every_mask_may_have_its_own_scheme(masks: list[Path], tmp_path: Path) -> None:
    """The same exam told in four schemes: two that are told apart by values, one by its table, one by name."""
    first = labels([0, 1, 2, 3, 3])
    told = {"brats-2021": [0, 1, 2, 4], "brats-2023": [0, 1, 2, 3], "brats-ped": [0, 2, 4, 1], "brats-2024-gli": [0, 1, 2, 3]}
    files = []
    for scheme, numbers in told.items():
        files.append(tmp_path / f"{scheme}_dseg.nii.gz")
        write_volume(files[-1], Volume.of(np.array(numbers, np.uint8)[first], AFFINE))
    for target, wanted in told.items():
        done = fuse(files, tmp_path / "o" / "f.nii.gz", scheme=target, source=list(told))
        assert read_labels(done.out).data[:, 0, 0].tolist() == np.array(wanted)[first[:, 0, 0]].tolist()
    rows = [f"{value}\t{label.meaning}\t{label.name}" for value, label in SCHEMES["brats-ped"].labels.items()]
    (tmp_path / "brats-ped_dseg.tsv").write_text("\n".join(["index\tname\tabbreviation", *rows]))
    done = fuse(files, tmp_path / "o" / "f.nii.gz")
    assert [rater["scheme"] for rater in done.report["raters"]] == ["brats-2021", "brats-2023", "brats-ped", "brats-2023"]
    assert read_labels(done.out).data[:, 0, 0].tolist() == [0, 1, 2, 3, 3]
    with pytest.raises(InputUnreadable, match="2 schemes are given for 4 masks"):
        fuse(files, tmp_path / "o" / "f.nii.gz", source=["brats-2021", "brats-2023"])


def _flat(path: Path) -> Path:
    import nibabel as nib

    nib.Nifti1Image(np.ones((4, 4), np.uint8), np.eye(4)).to_filename(path)
    return path


def _link(path: Path, to: Path) -> Path:
    path.symlink_to(to)
    return path


def _with_nan(path: Path) -> Path:
    write_volume(path, Volume.of(np.full((5, 3, 2), np.nan, np.float32), AFFINE))
    return path


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (lambda m, t: {"masks": m[:1]}, InputUnreadable, "one rater only"),
        (lambda m, t: {"masks": [*m, m[0]]}, InputUnreadable, "given twice"),
        (lambda m, t: {"masks": [*m, t / "none.nii.gz"]}, InputUnreadable, "does not exist"),
        (lambda m, t: {"masks": [*m, _flat(t / "flat.nii.gz")]}, InvalidImage, r"'flat\.nii\.gz' is a 2-D image"),
        (lambda m, t: {"masks": [*m, _with_nan(t / "nan.nii.gz")]}, InvalidImage, r"'nan\.nii\.gz' has 30 voxels .*NaN"),
        (lambda m, t: {"out": t / "f.png"}, OutputUnwritable, "end in .nii.gz"),
        (lambda m, t: {"out": m[0]}, OutputUnwritable, "one of the masks"),
        (lambda m, t: {"out": t / f"{'x' * 300}.nii.gz"}, OutputUnwritable, "cannot be written"),
        (lambda m, t: {"masks": [*m, _link(t / "again.nii.gz", m[0])]}, InputUnreadable, "given twice"),
        (lambda m, t: {"method": "vote"}, InvalidImage, "no fusion method 'vote'"),
        (lambda m, t: {"method": "weighted"}, InputUnreadable, "--weights"),
        (lambda m, t: {"method": "at-least"}, InvalidImage, "how many raters"),
        (lambda m, t: {"source": "brats-2021"}, InvalidImage, r"seg-a_dseg.nii.gz'.*value 3"),
        (lambda m, t: {"scheme": "brats-men-rt"}, InvalidImage, "does not exist in 'brats-men-rt'"),
        (lambda m, t: {"names": ["a", "b"]}, InputUnreadable, "2 names are given for 3 raters"),
        (lambda m, t: {"names": ["a", "b", "a"]}, InputUnreadable, "same name"),
    ],
)
def test_garbage_costs_a_sentence(
    masks: list[Path], tmp_path: Path, change: Any, kind: type[GlioscopeError], words: str
) -> None:
    arguments: dict[str, Any] = {"masks": masks, "out": tmp_path / "o" / "f.nii.gz"} | change(masks, tmp_path)
    with pytest.raises(kind, match=words) as error:
        fuse(arguments.pop("masks"), arguments.pop("out"), **arguments)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "o").exists()


def test_the_command(masks: list[Path], tmp_path: Path) -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    out = tmp_path / "o" / "f.nii.gz"
    told = CliRunner().invoke(app, ["fuse", *map(str, masks), "-m", "staple", "-o", str(out), "--json"])
    assert told.exit_code == 0, told.output
    document = json.loads(told.stdout)
    assert document["method"] == "staple"
    assert document["files"] == {"labels": str(out), "report": str(tmp_path / "o" / "f.json")}
    shown = CliRunner().invoke(app, ["fuse", *map(str, masks), "-m", "simple", "-o", str(out)])
    assert shown.exit_code == 0
    assert "simple of 3 raters" in shown.stdout.replace("\n", " ")
    assert CliRunner().invoke(app, ["fuse", *map(str, masks), "-o", str(out), "--prior", "many"]).exit_code == 2
