"""From a segmented exam to its measurements, its quality statement and its report; and the report again from the disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glioscope.atlas import find_location_volumes
from glioscope.core import (
    InputUnreadable,
    Ledger,
    Prepared,
    Sequence,
    Step,
    get_scheme,
    implied_regions,
    read_header,
    read_labels,
    read_volume,
)
from glioscope.core.files import atomic, write_bytes, write_json, write_text
from glioscope.workflows.dataset import records_folder
from glioscope.workflows.evidence import evidence_files, gather_evidence
from glioscope.workflows.measure_exam import atlas_files, location_inputs, measure_files, transform_files, turned
from glioscope.workflows.result_document import read_result
from glioscope.workflows.segment_exam import Segmented

__all__ = ["Reported", "measure_files", "rebuild_report", "report_exam", "reported_folders", "row_of"]

_PREFIX = "report-"
_PICTURES = ("overview", "montage")
_LATER = ("surgery",)
"""Pictures that other commands leave in the report's folder."""


@dataclass(frozen=True)
class Reported:
    """Files of one exam's report, its row of the cohort's table, and its headline results."""

    html: Path
    pdf: Path
    overview: Path
    measurements: Path
    quality: Path
    row: Mapping[str, Any]

    @property
    def files(self) -> dict[str, Path]:
        """What was made -> where."""
        return {
            "report_html": self.html,
            "report_pdf": self.pdf,
            "measurements": self.measurements,
            "quality": self.quality,
        }

    @property
    def results(self) -> dict[str, Any]:
        """Volumes of the regions (ml) and the quality verdict."""
        suffix = "_volume_ml"
        volumes = {
            name.removeprefix("region_").removesuffix(suffix): value
            for name, value in self.row.items()
            if name.startswith("region_") and value is not None
        }
        return {"volumes_ml": volumes, "quality": self.row["quality"]}


def report_exam(
    prepared: Prepared,
    segmented: Segmented,
    inspection_document: Mapping[str, Any],
    ledger: Ledger,
    out: Path,
    jobs: int = 1,
) -> Reported:
    """Measure, judge, draw and write the report to `out/sub-…[/ses-…]/report`.

    Raises:
        InputUnreadable, InvalidImage: a file of the exam cannot be read.
        OutputUnwritable: the report cannot be written.
    """
    folder = out / prepared.exam.folder
    report = folder / "report"
    write_json(folder / "inspection.json", dict(inspection_document))
    images = {str(sequence): path for sequence, path in prepared.images.items()}
    native = {str(sequence): path for sequence, path in prepared.native_images.items()}
    atlas = _atlas(prepared)
    labels = {"labels": segmented.labels, "native_labels": segmented.native_labels}
    brains = {"brain": prepared.brain_mask, "native_brain": prepared.native_brain_mask}
    known = sorted(_known_regions(segmented))
    about = {"segmenter": segmented.segmenter, "scheme": segmented.scheme, "known": known}
    weighed = {"trained": segmented.trained, "measured": segmented.measured and segmented.measured.document()}
    exam = {"exam": prepared.exam.name, "id": prepared.exam.id, "session": prepared.exam.session, "space": prepared.space}
    volumes = find_location_volumes()
    evidence = evidence_files(folder)
    records = ledger.run(
        Step(
            f"{_PREFIX}measure",
            "Measuring",
            measure_files,
            inputs={
                **labels,
                **brains,
                "atlas": atlas,
                "transforms": transform_files(folder / "anat", prepared.space),
                **location_inputs(volumes),
                "probabilities": evidence["probabilities"],
                "raters": evidence["raters"],
            },
            parameters={
                **about,
                "exam": exam,
                "volumes": volumes.source if volumes else "",
                "widening": segmented.measured and segmented.measured.widening(),
            },
            outputs={"measurements": report / "measurements.json", "lesions": report / "lesions.csv"},
            packages=("numpy", "scipy"),
        ),
        Step(
            f"{_PREFIX}quality",
            "Judging quality",
            judge_files,
            inputs={
                "originals": {str(sequence): path for sequence, path in prepared.exam.images.items()},
                "images": images,
                "native_labels": segmented.native_labels,
                **brains,
                "atlas": atlas,
                **evidence,
            },
            parameters={
                **about,
                **weighed,
                "in_atlas": prepared.to_native is not None,
                "reference": str(prepared.exam.reference),
            },
            outputs={"quality": report / "quality.json"},
            packages=("numpy", "scipy"),
        ),
        Step(
            f"{_PREFIX}figures",
            "Drawing figures",
            draw_files,
            inputs={"images": native, "labels": segmented.native_labels, "brain": prepared.native_brain_mask},
            parameters={"scheme": segmented.scheme},
            outputs={name: report / f"{name}.png" for name in _PICTURES},
            packages=("matplotlib", "pillow"),
        ),
        jobs=jobs,
    )
    ledger.run(
        Step(
            f"{_PREFIX}render",
            "Writing the report",
            render_files,
            inputs={**_documents(folder), "pictures": _drawn(report)},
            parameters={"provenance": _lineage([r.document() for r in (*ledger.records.values(), *records)])},
            outputs={"html": report / "report.html", "pdf": report / "report.pdf"},
            packages=("jinja2", "reportlab"),
        )
    )
    return _reported(folder)


def reported_folders(out: Path) -> list[Path]:
    """Folders of exams below the output dataset that have measurements; raises InputUnreadable where there are none."""
    if not out.is_dir():
        raise InputUnreadable(f"There is no folder '{out}'; give the output folder of `glioscope run`.")
    folders = sorted(path.parent.parent for path in out.glob("sub-*/**/report/measurements.json"))
    if not folders:
        raise InputUnreadable(f"'{out}' holds no results; give the output folder of `glioscope run`.")
    return folders


def rebuild_report(out: Path, folder: Path) -> Reported:
    """Write report.html and report.pdf of the exam in `folder` again, from what lies below `out` alone.

    What several segmenters or `glioscope quality` left there since joins the quality statement.

    Raises:
        InputUnreadable: one of the files that the report is made from is missing or damaged.
        OutputUnwritable: the report cannot be written.
    """
    from glioscope.quality import with_evidence

    report = folder / "report"
    name = read_result(report / "measurements.json")["exam"]
    evidence = gather_evidence(**evidence_files(folder))
    write_json(report / "quality.json", with_evidence(read_result(report / "quality.json"), evidence))
    records = [read_result(path) for path in sorted(records_folder(out, name).glob("*.json"))]
    steps = [record for record in records if {"name", "inputs", "outputs", "versions", "parameters"} <= record.keys()]
    with atomic(report / "report.html") as html, atomic(report / "report.pdf") as pdf:
        render_files(**_documents(folder), pictures=_drawn(report), provenance=_lineage(steps), html=html, pdf=pdf)
    return _reported(folder)


def judge_files(
    *,
    originals: Mapping[str, Path],
    images: Mapping[str, Path],
    native_labels: Path,
    brain: Path,
    native_brain: Path,
    atlas: Mapping[str, Path],
    segmenter: str,
    trained: bool,
    measured: Mapping[str, Any] | None = None,
    scheme: str,
    known: list[str],
    in_atlas: bool,
    reference: str,
    quality: Path,
    raters: Mapping[str, Path],
    probabilities: Mapping[str, Path],
    assessment: Path | None = None,
) -> dict[str, Any]:
    """All remarks, the evidence and the verdict; writes `quality`."""
    from glioscope import quality as q

    grids = {Sequence(name): read_header(path).grid for name, path in originals.items()}
    mask, native_mask = read_labels(brain), read_labels(native_brain)
    remarks = q.exam_remarks(grids, known)
    remarks += q.brain_remarks(native_mask)
    if in_atlas and "brain_mask" in atlas:
        atlas_mask = turned(atlas["brain_mask"], mask.grid)
        if atlas_mask.grid.same_as(mask.grid):
            remarks += q.overlap_remarks(q.overlap(mask, atlas_mask))
    volumes = {Sequence(name): read_volume(path) for name, path in images.items()}
    remarks += q.displaced_sequences(volumes, mask, Sequence(reference))
    remarks += q.flat_remarks(volumes, mask) + q.swapped_remarks(volumes, mask)
    remarks += q.segmentation_remarks(read_labels(native_labels), get_scheme(scheme), native_mask, trained=trained)
    remarks += q.measured_remarks(**measured) if measured else []
    evidence = gather_evidence(raters, probabilities, assessment)
    judged = q.with_evidence(q.judge(remarks).document(), evidence)
    write_json(quality, judged)
    return {"verdict": judged["verdict"], "remarks": [remark["code"] for remark in judged["remarks"]]}


def draw_files(*, images: Mapping[str, Path], labels: Path, brain: Path, scheme: str, overview: Path, montage: Path) -> None:
    """The two figures, on the native grid."""
    from glioscope.reporting import make_scene, montage_figure, overview_figure

    found = get_scheme(scheme)
    volumes = {Sequence(name): read_volume(path) for name, path in images.items()}
    scene = make_scene(volumes, read_labels(labels), found, read_labels(brain))
    write_bytes(overview, overview_figure(scene, found))
    write_bytes(montage, montage_figure(scene, found))


def render_files(
    *,
    measurements: Path,
    quality: Path,
    inspection: Path,
    pictures: Mapping[str, Path],
    provenance: list[dict[str, Any]],
    html: Path,
    pdf: Path,
) -> None:
    """The report as HTML and PDF, from documents and pictures alone."""
    from glioscope.reporting import model_of_exam, render_html, render_pdf

    shown = {name: path.read_bytes() for name, path in pictures.items()}
    model = model_of_exam(read_result(inspection), read_result(measurements), read_result(quality), provenance, shown)
    write_text(html, render_html(model))
    write_bytes(pdf, render_pdf(model, most_pages=3))


def _drawn(report: Path) -> dict[str, Path]:
    """The pictures that there are."""
    return {name: path for name in (*_PICTURES, *_LATER) if (path := report / f"{name}.png").is_file()}


def _documents(folder: Path) -> dict[str, Path]:
    report = folder / "report"
    return {
        "measurements": report / "measurements.json",
        "quality": report / "quality.json",
        "inspection": folder / "inspection.json",
    }


def row_of(folder: Path) -> dict[str, Any]:
    """The exam's row of the cohort's table, from its measurements and its quality statement."""
    from glioscope.reporting import cohort_row

    files = _documents(folder)
    return cohort_row(read_result(files["measurements"]), read_result(files["quality"]))


def _reported(folder: Path) -> Reported:
    files = _documents(folder)
    report = folder / "report"
    pages = (report / "report.html", report / "report.pdf", report / "overview.png")
    return Reported(*pages, files["measurements"], files["quality"], row_of(folder))


def _lineage(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The steps that led to what the report was made from, the report's own left out."""
    from glioscope.reporting import lineage

    own = [record for record in records if record["name"].startswith(_PREFIX) and record["name"] != f"{_PREFIX}render"]
    read = {checksum for record in own for checksum in record["inputs"].values()}
    return lineage([record for record in records if not record["name"].startswith(_PREFIX)], read)


def _known_regions(segmented: Segmented) -> set[str]:
    """Regions of the scheme that the segmenter can find, and those that follow from these."""
    return set(implied_regions(segmented.regions, get_scheme(segmented.scheme)))


def _atlas(prepared: Prepared) -> dict[str, Path]:
    """The maps of the atlas that the exam lies in (or may lie in, where it came prepared), as far as they are installed."""
    return atlas_files("SRI24" if prepared.space == "orig" else prepared.space)
