"""The report is one to three pages, whatever there is to tell (issue 6)."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from glioscope.core import Volume
from glioscope.measurement import measure
from glioscope.reporting import ReportModel, model_of_exam, render_html, render_pdf
from glioscope.reporting.processing import processing_section
from glioscope.workflows.report_exam import render_files
from tests.reporting.documents import SCHEME, inspection, measurements, quality

REGIONS = ("WT", "TC", "ET")
SURGERY = {
    "after": "sub-x_space-orig_seg-subtraction_dseg.nii.gz",
    "region": "ET",
    "residual": {
        "volume_ml": 6.815,
        "verdict": "residual tumour",
        "cut_ml": 0.175,
        "probability_residual_tumour": 0.97,
        "model": "nested outlines",
        "models": [{"low_ml": 3.92, "high_ml": 11.24}],
    },
    "extent": {
        region: {"before_ml": 40.0, "after_ml": 4.0, "extent_percent": 90.0, "note": f"A remark on the {region}."}
        for region in REGIONS
    },
    "cavity_ml": 22.5,
    "rano_resect": {"class": "3B", "name": "submaximal: partial", "notes": ["Without the exam before it cannot be told."] * 3},
    "blood": {
        "bright_on_t1n_ml": 1.25,
        "bright_on_t1n_percent": 18.0,
        "without_bright": {"volume_ml": 5.565, "verdict": "residual tumour"},
    },
}


def pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", pdf))


def picture(wide: int, high: int) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.new("L", (wide, high)).save(stream, "PNG")
    return stream.getvalue()


PICTURES = {"overview": picture(1575, 1100), "montage": picture(1575, 670), "surgery": picture(1575, 1250)}


def many_lesions() -> dict[str, Any]:
    """Measurements of an exam with 18 lesions."""
    labels = np.zeros((60, 60, 20), np.uint8)
    for i in range(18):
        x, y, z = 4 + 9 * (i % 6), 4 + 18 * (i // 6), 6
        labels[x : x + 6, y : y + 6, z : z + 6] = 2
        labels[x + 1 : x + 5, y + 1 : y + 5, z + 1 : z + 5] = 3
    found = measure(Volume.of(labels, np.diag([1.0, 1.0, 2.0, 1.0])), SCHEME, None, None).document()
    assert len(found["lesions"]["TC"]) == 18
    return {**measurements(), **found}


def all_evidence(raters: int) -> dict[str, Any]:
    """Quality with remarks, agreement of `raters`, alarms, uncertainty and a second opinion."""
    names = [f"segmenter-{i}" for i in range(raters)]
    compared = {"mean_dice": 0.8, "all_agree": 0.5, "lowest_dice": 0.7, "lowest_pair": names[:2]}
    alarm = {"rater": "a", "region": "ET", "metric_title": "Dice", "value": 0.3, "threshold": 0.6, "unit": ""}
    uncertain = {"members": 5, "mean_entropy": 0.3, "mean_mutual_information": 0.1, "volume_ml": 30.0, "uncertain_ml": 9.0}
    remark = {"severity": "caution", "code": "x", "sentence": "The slices are thick, so that volumes are uncertain. " * 3}
    return {
        **quality(),
        "remarks": [remark] * 6,
        "agreement": {
            "raters": names,
            "regions": {region: {**compared, "volumes_ml": dict.fromkeys(names, 9.0)} for region in REGIONS},
        },
        "alarms": {"alarms": [alarm] * 15, "paragraph": "15 of 18 ensemble-discord alarms."},
        "uncertainty": {"regions": dict.fromkeys(REGIONS, uncertain)},
        "second_opinion": {"paragraph": "It would be given 5 of 6 stars.", "source": "A network"},
    }


def steps(count: int) -> list[dict[str, Any]]:
    versions = {"glioscope": "1", "numpy": "2.3.5", "scipy": "1.15.3"}
    return [
        {
            "name": f"step{i}",
            "parameters": {"transform": "affine", "seed": i},
            "versions": versions,
            "outputs": {f"output{j}": f"{i:08d}" * 8 for j in range(6)},
        }
        for i in range(count)
    ]


def surgery_report(found: dict[str, Any], judged: dict[str, Any], made: list[dict[str, Any]]) -> ReportModel:
    return model_of_exam(inspection(), found, {**judged, "surgery": SURGERY}, made, PICTURES)


def test_after_surgery_many_lesions_are_three_pages() -> None:
    # it had four pages: the table of steps ran on to the fourth, and the definitions followed it there
    model = surgery_report(many_lesions(), quality(), steps(20))
    assert pages(render_pdf(model)) == 4
    assert pages(render_pdf(model, most_pages=3)) == 3


def test_all_that_a_report_can_tell_is_three_pages() -> None:
    assert pages(render_pdf(surgery_report(many_lesions(), all_evidence(16), steps(40)), most_pages=3)) == 3


def test_a_long_list_of_files_is_cut_in_the_pdf_and_whole_in_the_page() -> None:
    document = inspection()
    document["candidates"] += [{"name": f"scan-{i}.nii.gz", "set_aside": "a duplicate"} for i in range(150)]
    model = model_of_exam(document, measurements(), quality(), [], PICTURES)
    assert pages(render_pdf(model)) > 3
    assert pages(render_pdf(model, most_pages=3)) <= 3
    assert "scan-149.nii.gz" in render_html(model)


def test_the_report_of_a_run_is_kept_to_three_pages(tmp_path: Path) -> None:
    documents = {"measurements": many_lesions(), "quality": {**all_evidence(3), "surgery": SURGERY}, "inspection": inspection()}
    for name, document in documents.items():
        (tmp_path / name).write_text(json.dumps(document))
    for name, png in PICTURES.items():
        (tmp_path / f"{name}.png").write_bytes(png)
    render_files(
        measurements=tmp_path / "measurements",
        quality=tmp_path / "quality",
        inspection=tmp_path / "inspection",
        pictures={name: tmp_path / f"{name}.png" for name in PICTURES},
        provenance=steps(40),
        html=tmp_path / "html",
        pdf=tmp_path / "pdf",
    )
    assert pages((tmp_path / "pdf").read_bytes()) == 3


def test_surgery_of_another_label_map_is_said() -> None:
    # issue 6: after a run with another segmenter the report showed its volumes, and what `surgery` had found of the first one
    told = "Of &#39;sub-x_space-orig_seg-subtraction_dseg.nii.gz&#39;, not of the label map that is measured above."
    for segmenter, says in (("subtraction", False), ("default", True)):
        found = {**measurements(), "segmenter": segmenter}
        assert (told in render_html(surgery_report(found, quality(), []))) is says


def test_one_page_stays_one_page() -> None:
    model = model_of_exam(inspection(), measurements(), quality(), [], {})
    assert pages(render_pdf(model)) == pages(render_pdf(model, most_pages=3)) < 3


def test_steps_that_do_the_same_to_several_images_share_a_row() -> None:
    def step(name: str, *outputs: str, seed: int = 0) -> dict[str, Any]:
        made = {title: f"{name}-{title}".ljust(64, "0") for title in outputs}
        return {"name": name, "parameters": {"seed": seed}, "versions": {"scipy": "1.15"}, "outputs": made}

    section = processing_section(
        [
            step("bias-t1c", "copy"),
            step("bias-t1n", "copy"),
            step("brain", "mask"),
            step("brain-atlas", "mask"),
            step("register-t1n", "image", seed=1),
            step("register-t2w", "image", seed=2),
            step("segment-a", "labels", "native"),
            step("segment-b", "labels", "native"),
        ]
    )
    assert section is not None
    assert [(row[0], row[3]) for row in section.tables[0].rows] == [
        ("bias: t1c, t1n", "copy bias-t1c, copy bias-t1n"),
        ("brain", "mask brain-ma"),
        ("brain-atlas", "mask brain-at"),
        ("register-t1n", "image register"),
        ("register-t2w", "image register"),
        ("segment-a", "labels segment-, native segment-"),
        ("segment-b", "labels segment-, native segment-"),
    ]
