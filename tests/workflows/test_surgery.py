"""`glioscope surgery` on label maps and on a results folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from glioscope.bundles import Measured
from glioscope.core import AmbiguousExam, InputUnreadable, InvalidImage, Volume, get_scheme, write_volume
from glioscope.core.files import write_json
from glioscope.reporting.surgery_section import surgery_sentences
from glioscope.workflows import surgery_inputs
from glioscope.workflows.report_exam import rebuild_report
from glioscope.workflows.surgery import surgery
from tests.reporting.documents import exam
from tests.reporting.test_report_exam import reported
from tests.workflows.label_maps import save

SHAPE = (30, 20, 12)
AFFINE = np.diag([-1.0, -2.0, 5.0, 1.0])  # voxels of 10 mm3
OBLIQUE = np.array([[-0.9, 0.4, 0.3, 5], [0.2, -1.9, 0.8, -9], [0.1, 0.3, 4.8, 33], [0, 0, 0, 1]])


def labels(et: int, core: int = 0, snfh: int = 0, cavity: int = 0) -> NDArray[np.uint8]:
    """So many voxels of each label of brats-2024-gli, one label a slab."""
    data = np.zeros(SHAPE, np.uint8)
    for slab, (value, count) in enumerate(((3, et), (1, core), (2, snfh), (4, cavity))):
        data[2 * slab + 1 : 2 * slab + 3].reshape(-1)[:count] = value
    return data


def numbers(folder: Path, **how: Any) -> dict[str, Any]:
    return surgery(folder / "after.nii.gz", **how).document()


def test_all_numbers_by_hand(tmp_path: Path) -> None:
    save(tmp_path / "after.nii.gz", labels(30, 5, 100, 200), AFFINE)
    save(tmp_path / "before.nii.gz", labels(300, 100, 400), np.diag([2.0, 2, 2, 1]))  # 8 mm3, on a grid of its own
    found = numbers(tmp_path, pre=tmp_path / "before.nii.gz", out=tmp_path / "out")
    assert (found["scheme"], found["region"]) == ("brats-2024-gli", "ET")
    assert found["residual"]["volume_ml"] == 0.3 and found["residual"]["verdict"] == "residual tumour"
    assert found["residual"]["probability_residual_tumour"] is None and "cannot be told" in found["residual"]["note"]
    assert found["extent"]["ET"]["extent_percent"] == 87.5  # 2.4 to 0.3
    assert found["extent"]["TC"]["extent_percent"] == 89.1  # 3.2 to 0.35
    assert found["extent"]["WT"]["extent_percent"] == 78.9  # 6.4 to 1.35
    assert found["cavity_ml"] == 2.0
    assert (found["rano_resect"]["class"], found["rano_resect"]["category_2021"]) == ("2B", "subtotal")
    assert found["rano_resect"]["non_enhancing_ml"] == 1.05
    assert json.loads((tmp_path / "out" / "surgery.json").read_text()) == found
    assert numbers(tmp_path, cut_ml=0.4)["residual"]["verdict"] == "gross total resection"


@pytest.mark.parametrize("affine", [AFFINE, OBLIQUE])
def test_translations_and_flips_change_nothing(tmp_path: Path, affine: NDArray[np.float64]) -> None:
    after, before = labels(18, 5, 100, 200), labels(300, 100, 400)

    def found() -> dict[str, Any]:
        told = numbers(tmp_path, pre=tmp_path / "before.nii.gz")
        return {key: told[key] for key in ("residual", "extent", "cavity_ml", "rano_resect")}

    save(tmp_path / "after.nii.gz", after, affine)
    save(tmp_path / "before.nii.gz", before, affine)
    first = found()
    for axis in range(3):
        save(tmp_path / "after.nii.gz", np.flip(after, axis), affine)
        assert found() == first
        save(tmp_path / "after.nii.gz", np.roll(after, 3, axis), affine)
        assert found() == first
    turned = Volume.of(after, affine).reoriented("SAR")
    moved = turned.grid.affine.copy()
    moved[:3, 3] += (31, -17, 4.5)
    save(tmp_path / "after.nii.gz", turned.data, moved)
    assert found() == first


def test_probability_map_and_raters(tmp_path: Path) -> None:
    save(tmp_path / "after.nii.gz", labels(18), AFFINE)
    p = np.zeros(SHAPE, np.float32)
    p[1].reshape(-1)[:18] = np.linspace(0.95, 0.61, 18)  # the eighteenth fills the cut
    write_volume(tmp_path / "p.nii.gz", Volume.of(p, AFFINE))
    found = numbers(tmp_path, probability=tmp_path / "p.nii.gz")["residual"]
    assert found["model"] == "nested outlines"
    assert found["probability_residual_tumour"] == pytest.approx(0.61, abs=1e-4)
    assert found["probability_gross_total_resection"] == pytest.approx(0.39, abs=1e-4)
    for name, count in (("a", 17), ("b", 18), ("c", 0)):
        save(tmp_path / f"{name}.nii.gz", labels(count), AFFINE)
    raters = [tmp_path / f"{name}.nii.gz" for name in "abc"]
    told = numbers(tmp_path, raters=raters)["residual"]
    assert (told["model"], told["probability_residual_tumour"]) == ("raters", 1.5 / 4)
    assert told["models"][0]["volumes_ml"] == {"a": 0.17, "b": 0.18, "c": 0.0}
    both = numbers(tmp_path, raters=raters, probability=tmp_path / "p.nii.gz")["residual"]
    assert [model["model"] for model in both["models"]] == ["nested outlines", "raters", "independent voxels"]


def test_what_values_cannot_tell_is_asked_for(tmp_path: Path) -> None:
    save(tmp_path / "after.nii.gz", labels(0, 0, 50, 20), AFFINE)
    with pytest.raises(InvalidImage, match="may be the resection cavity"):
        numbers(tmp_path)
    told = numbers(tmp_path, scheme="brats-2024-gli")
    assert (told["cavity_ml"], told["residual"]["verdict"]) == (0.2, "gross total resection")
    older = numbers(tmp_path, scheme="brats-2021")
    assert (older["cavity_ml"], older["residual"]["volume_ml"]) == (None, 0.2)
    before = numbers(tmp_path, scheme="brats-2024-gli", pre=tmp_path / "after.nii.gz")  # before surgery a 4 is enhancing
    assert before["extent"]["ET"] == {"before_ml": 0.2, "after_ml": 0.0, "removed_ml": 0.2, "extent_percent": 100.0, "note": ""}
    save(tmp_path / "after.nii.gz", labels(0, 20), AFFINE)
    with pytest.raises(InvalidImage, match="mask of ones"):
        numbers(tmp_path)
    told = numbers(tmp_path, scheme="residual")
    assert (told["region"], told["rano_resect"]["class"], told["cavity_ml"]) == ("RT", "2B", None)
    save(tmp_path / "after.nii.gz", labels(0), AFFINE)
    assert numbers(tmp_path)["rano_resect"]["class"] == "1 or 2A"  # an empty map claims the least


def test_masks_of_two_schemes_are_compared_by_their_enhancing_tumour(tmp_path: Path) -> None:
    save(tmp_path / "after.nii.gz", labels(0, 20), AFFINE)
    save(tmp_path / "before.nii.gz", labels(200, 100, 50), AFFINE)
    told = numbers(tmp_path, scheme="residual", pre=tmp_path / "before.nii.gz")
    assert list(told["extent"]) == ["RT"] and told["extent"]["RT"]["extent_percent"] == 90.0


def test_unusable_input_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for bad in ("nothing.nii.gz", "empty"):
        with pytest.raises(InputUnreadable):
            surgery(tmp_path / bad)
    save(tmp_path / "after.nii.gz", labels(3), AFFINE)
    with pytest.raises(InvalidImage, match="above 0"):
        numbers(tmp_path, cut_ml=0)
    with pytest.raises(InvalidImage, match=r"'after\.nii\.gz' is a label map; --segmenter is for"):  # was passed over
        surgery(tmp_path / "after.nii.gz", segmenter="net")
    with pytest.raises(InvalidImage, match="both T1 images"):
        numbers(tmp_path, t1n=tmp_path / "after.nii.gz")
    save(tmp_path / "odd.nii.gz", np.full(SHAPE, 9, np.uint8), AFFINE)
    with pytest.raises(InvalidImage, match="label 9"):
        surgery(tmp_path / "odd.nii.gz")


def results(folder: Path) -> Path:
    """The folder of an exam with a report, a label map and both T1 images in `anat`; half of the enhancement is blood."""
    reported(folder)
    where = folder / "out" / "sub-x"
    write_json(folder / "out" / "dataset_description.json", {"Name": "x"})
    _, segmentation, brain = exam()
    enhancing = segmentation.data == 3
    noise = np.random.default_rng(1).normal(0, 2, enhancing.shape)
    t1n = (brain.data * (100 + noise)).astype(np.float32)
    blood = enhancing & (np.indices(enhancing.shape)[0] > 58)
    t1n[enhancing] = 80  # tumour is dark before contrast
    t1n[blood] = 170
    t1c = (brain.data * (110 + np.roll(noise, 1, 0))).astype(np.float32) + 70 * enhancing.astype(np.float32)
    anat = where / "anat"
    write_volume(anat / "sub-x_space-orig_seg-subtraction_dseg.nii.gz", segmentation)
    write_volume(anat / "sub-x_space-orig_desc-brain_mask.nii.gz", brain)
    write_volume(anat / "sub-x_space-orig_desc-preproc_T1w.nii.gz", brain.with_data(t1n))
    write_volume(anat / "sub-x_ce-gadolinium_space-orig_desc-preproc_T1w.nii.gz", brain.with_data(t1c))
    return where


def test_a_results_folder_shows_it_in_its_report_until_the_label_map_changes(tmp_path: Path) -> None:
    where = results(tmp_path)
    found = surgery(tmp_path / "out")
    told = found.document()
    enhancing = get_scheme("brats-2023").value_of("ET")
    segmentation = exam()[1]
    at = segmentation.data == enhancing
    assert told["residual"]["volume_ml"] == pytest.approx(at.sum() * segmentation.grid.voxel_volume / 1000, abs=1e-4)
    share = (at & (np.indices(at.shape)[0] > 58)).sum() / at.sum()
    assert told["blood"]["bright_on_t1n_percent"] == pytest.approx(100 * share, abs=0.1)
    assert {file.name for file in found.files} == {"assessment.json", "surgery.png", "report.html", "report.pdf"}
    page = (where / "report" / "report.html").read_text()
    assert "After surgery" in page and "Bright on native T1" in page and page.count("data:image/png") == 3
    first = {file: file.read_bytes() for file in found.files}
    assert {file: file.read_bytes() for file in surgery(where).files} == first  # the same bytes again
    write_volume(where / "anat" / "sub-x_space-orig_seg-subtraction_dseg.nii.gz", segmentation.with_data(segmentation.data * 0))
    rebuild_report(tmp_path / "out", where)
    page = (where / "report" / "report.html").read_text()
    assert "Bright on native T1" not in page
    assert "Surgery of an earlier `glioscope surgery` left out" in page.replace("&#96;", "`").replace("&#39;", "'")


def test_several_label_maps_and_several_exams(tmp_path: Path) -> None:
    where = results(tmp_path)
    segmentation = exam()[1]
    for name in ("other", "fused", "flairthreshold"):  # the last does not look for enhancing tumour: no rater
        write_volume(where / "anat" / f"sub-x_space-orig_seg-{name}_dseg.nii.gz", segmentation.with_data(segmentation.data * 0))
    told = surgery(where).document()["residual"]
    assert told["volume_ml"] > 0  # of the segmenter that the report measures
    assert (told["model"], told["probability_residual_tumour"]) == ("raters", 0.5)  # one of two finds tumour
    assert surgery(where, segmenter="fused", scheme="brats-2023").document()["residual"]["volume_ml"] == 0
    with pytest.raises(InputUnreadable, match="no label map of 'nobody'"):
        surgery(where, segmenter="nobody")
    (where / "report" / "measurements.json").unlink()
    with pytest.raises(AmbiguousExam, match="choose with --segmenter"):
        surgery(where)
    write_volume(tmp_path / "out" / "sub-y" / "anat" / "sub-y_space-orig_seg-a_dseg.nii.gz", segmentation)
    with pytest.raises(AmbiguousExam, match="holds 2 exams"):
        surgery(tmp_path / "out")


def test_blood_needs_the_brain_and_one_grid(tmp_path: Path) -> None:
    images, segmentation, brain = exam()
    t1n, t1c = (volume.with_data(volume.data + 50) for volume in list(images.values())[:2])  # no zero around the brain
    for name, volume in (("after", segmentation), ("t1n", t1n), ("t1c", t1c), ("brain", brain)):
        write_volume(tmp_path / f"{name}.nii.gz", volume)
    t1 = {"t1n": tmp_path / "t1n.nii.gz", "t1c": tmp_path / "t1c.nii.gz"}
    with pytest.raises(InvalidImage, match="--brain"):
        numbers(tmp_path, **t1)
    told = surgery(
        tmp_path / "after.nii.gz", t1n=t1["t1n"], t1c=t1["t1c"], brain=tmp_path / "brain.nii.gz", out=tmp_path / "out"
    )
    assert told.files[1].read_bytes().startswith(b"\x89PNG")
    write_volume(tmp_path / "t1n.nii.gz", t1n.reoriented("RPS"))
    with pytest.raises(InvalidImage, match=r"'t1n.nii.gz' does not lie on the grid of 'after.nii.gz'"):
        numbers(tmp_path, **t1, brain=tmp_path / "brain.nii.gz")


def test_the_real_label_maps_after_surgery(test_data: Path) -> None:
    folder = test_data / "exams" / "longitudinal" / "ucsf-postop-segmentations"
    one, two = (folder / "100001" / f"100001_time{n}_seg.nii.gz" for n in (1, 2))
    told = surgery(two, pre=one).document()
    assert told["scheme"] == "brats-2024-gli"
    assert told["residual"]["volume_ml"] == 0.302 and told["cavity_ml"] == 29.948
    assert told["extent"]["ET"]["extent_percent"] == 64.3


def test_probabilities_of_a_segmenter_that_knows_no_surgery_are_left_out_regression(tmp_path: Path) -> None:
    """They were told in front, and do not come true (benchmarks/cut_probability.py)."""
    anat = results(tmp_path) / "anat"
    segmentation = exam()[1]
    write_volume(anat / "sub-x_space-orig_seg-net_dseg.nii.gz", segmentation)
    file = anat / "sub-x_space-orig_seg-net_label-ET_probseg.nii.gz"
    write_volume(file, segmentation.with_data(np.full(segmentation.data.shape, 0.25, np.float32)))
    before = surgery(tmp_path / "out", segmenter="net", scheme="brats-2023").document()["residual"]
    assert [model["model"] for model in before["models"]] == ["raters"]
    assert "are left out: its labels know no resection cavity" in before["note"]
    (anat / "sub-x_space-orig_seg-subtraction_dseg.nii.gz").unlink()
    alone = surgery(tmp_path / "out", segmenter="net", scheme="brats-2023").document()["residual"]
    assert (alone["probability_residual_tumour"], alone["note"]) == (None, before["note"])
    after = surgery(tmp_path / "out", segmenter="net", scheme="brats-2024-gli").document()["residual"]
    assert (after["model"], after["probability_residual_tumour"]) == ("nested outlines", 0.25)
    given = surgery(tmp_path / "out", segmenter="net", scheme="brats-2023", probability=file).document()["residual"]
    assert given["probability_residual_tumour"] == 0.25  # whoever names it answers for it


def test_a_probability_is_corrected_where_the_segmenter_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Issue 6: on exams after surgery the probabilities of no model came true; one that was measured brings its curve."""
    where = results(tmp_path)
    segmentation = exam()[1]
    write_volume(where / "anat" / "sub-x_space-orig_seg-net_dseg.nii.gz", segmentation)
    file = where / "anat" / "sub-x_space-orig_seg-net_label-ET_probseg.nii.gz"
    write_volume(file, segmentation.with_data(np.full(segmentation.data.shape, 0.8, np.float32)))
    known = Measured("30 exams", (), {}, count=30, cut=(-np.log(4), 0.5))
    monkeypatch.setattr(surgery_inputs, "measured_accuracy", lambda folder, name: known if name == "net" else None)
    found = surgery(where, segmenter="net", scheme="brats-2024-gli")
    told = found.document()["residual"]
    assert (told["model"], told["probability_residual_tumour"]) == ("as measured", pytest.approx(1 / 3, abs=1e-4))
    assert [model["model"] for model in told["models"]] == ["as measured", "nested outlines", "raters", "independent voxels"]
    assert any("as it came true on 30 exams" in answer for _, answer in surgery_sentences(found.numbers))
    elsewhere = surgery(where, segmenter="net", scheme="brats-2024-gli", cut_ml=0.5).document()["residual"]
    assert elsewhere["model"] == "nested outlines"  # the curve was measured at the usual cut
    given = surgery(where, segmenter="net", scheme="brats-2024-gli", probability=file).document()["residual"]
    assert given["model"] == "nested outlines"  # of a map that is named, nothing was measured
