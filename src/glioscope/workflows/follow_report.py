"""The timeline page of a patient: `timeline.html`, `timeline.pdf`, and its two pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

import glioscope
from glioscope.core import Volume
from glioscope.core.files import write_bytes, write_text
from glioscope.longitudinal import LIMITS, Curve, Panel, change_volumes, curves_picture, slices_picture
from glioscope.reporting import Key, Picture, ReportModel, Section, Table, render_html, render_pdf
from glioscope.reporting.outlines import region_title
from glioscope.workflows.follow_tables import definitions, lesions_at, longest_mm

if TYPE_CHECKING:
    from glioscope.longitudinal import Response
    from glioscope.workflows.follow import Followed, TimePoint

__all__ = ["write_report"]

_WORDS = {
    "CR": "complete response",
    "PR": "partial response",
    "MR": "minor response",
    "SD": "stable disease",
    "PD": "progressive disease",
}
_COLOURS = {"WT": "#CCBB44", "TC": "#4477AA", "RC": "#AA3377"}
_RED = "#EE6677"
_MOST_LESIONS = 40
"""Rows of a table on the page; the CSV files have them all."""

_WAYS = {
    "one grid": "is on the grid of the baseline and was not registered",
    "world": "was compared by its world coordinates and not registered",
    "rigid": "was brought to the baseline by a rigid transform fitted around the lesions",
    "syn": "was brought to the baseline by a rigid transform around the lesions, then SyN; cores and cavities were masked out",
}


def write_report(followed: Followed) -> None:
    """Draw `curves.png` and `slices.png` and write the page as HTML and PDF; raises OutputUnwritable."""
    curves, slices = _curves(followed), _slices(followed)
    write_bytes(followed.folder / "curves.png", curves)
    write_bytes(followed.folder / "slices.png", slices)
    model = _model(followed, curves, slices)
    write_text(followed.folder / "timeline.html", render_html(model))
    write_bytes(followed.folder / "timeline.pdf", render_pdf(model))


def _curves(followed: Followed) -> bytes:
    points = followed.points
    days = [point.day for point in points if point.day is not None]
    dated = len(days) == len(points)
    lengths = np.array([longest_mm(followed, index) for index in range(len(points))])
    return curves_picture(
        days if dated else [float(n) for n in range(1, len(points) + 1)],
        "days since the baseline" if dated else "exam",
        volumes=[
            Curve(name, [point.volumes_ml[name] for point in points], _COLOURS.get(name, _RED))
            for name in followed.region_volumes
        ],
        diameters=[
            Curve(f"{followed.region}, axial", lengths[:, 0].tolist(), _RED),
            Curve(f"{followed.region}, 3-D", lengths[:, 1].tolist(), "#4477AA"),
        ],
        products=[response.sum_mm2 for response in followed.responses],
        categories=[response.category for response in followed.responses],
    )


def _slices(followed: Followed) -> bytes:
    from glioscope.workflows.follow import image_on_baseline

    grid = followed.points[0].labels.grid
    panels, turned = [], Volume(np.zeros(grid.shape, np.uint8), grid).reoriented("LPS").grid
    for index, point in enumerate(followed.points):
        shown = image_on_baseline(followed, index)
        changes = point.changes.get("baseline")
        panels.append(
            Panel(
                _title(followed, index),
                None if shown is None else shown[1].reoriented("LPS").data,
                Volume(point.region(followed.region), grid).reoriented("LPS").data,
                None if changes is None else Volume(changes, grid).reoriented("LPS").data,
            )
        )
    centre = (np.asarray(turned.shape) - 1) / 2
    heights = [float(turned.to_world([centre[0], centre[1], k])[2]) for k in range(turned.shape[2])]
    return slices_picture(panels, turned.spacing.tolist(), heights, _RED)


def _title(followed: Followed, index: int) -> str:
    day = followed.points[index].day
    name = "Baseline" if index == 0 else f"Exam {index + 1}"
    return name if day is None or index == 0 else f"{name}, day {day:.0f}"


def _model(followed: Followed, curves: bytes, slices: bytes) -> ReportModel:
    last = followed.responses[-1]
    days = followed.points[-1].day
    span = "" if days is None else f" over {days:.0f} days"
    reasons = [("info", f"{_title(followed, len(followed.points) - 1)}: {last.rule}")]
    if last.confirmation.rule:
        reasons.append(("info", last.confirmation.rule))
    reasons.append(("info", f"By volume {last.volume_category}: {last.volume_rule}"))
    reasons += [("caution", remark) for remark in followed.remarks]
    reasons.append(("caution", LIMITS))
    keys = [
        Key(f"Exam {index + 1}{'' if p.day is None else f', day {p.day:.0f}'}", followed.responses[index].category)
        for index, p in enumerate(followed.points)
    ][-6:]
    return ReportModel(
        title="One patient over time",
        subtitle=f"{len(followed.points)} exams{span}; lesions of {region_title(followed.region)}",
        verdict=f"{_WORDS[last.category]} ({last.category}) at the last exam, to be confirmed",
        level="warning" if last.category == "PD" else "info",
        reasons=tuple(reasons),  # type: ignore[arg-type]
        keys=tuple(keys),
        sections=(
            Section(
                "Course", pictures=(Picture(curves, _curves_caption(followed), "Curves of volumes, diameters and products."),)
            ),
            Section("Exams", tables=(_exams(followed),)),
            Section("What became of each lesion", _more(len(followed.history.changes)), tables=(_changes(followed),)),
            Section(
                "Where it changed",
                tables=(_change_volumes(followed),),
                pictures=(Picture(slices, _slices_caption(followed), "Axial slices of each exam, and the change maps."),),
            ),
            Section("Lesions", _more(sum(len(names) for names in followed.history.names)), tables=(_lesions(followed),)),
            Section("How it was done", tuple(_method(followed)), fine=True),
        ),
        producer=f"Glioscope {glioscope.__version__}",
        verdict_title="Suggested category",
    )


def _more(rows: int) -> tuple[str, ...]:
    return (f"The first {_MOST_LESIONS} of {rows} rows; the CSV files have them all.",) if rows > _MOST_LESIONS else ()


def _curves_caption(followed: Followed) -> str:
    return (
        f"Volumes of the regions; longest diameters of any lesion of {followed.region}; sum of the products of perpendicular "
        "diameters over the target lesions, with the category of each exam."
    )


def _slices_caption(followed: Followed) -> str:
    shown = "outlined" if followed.points[0].exam.images else "outlined (no image was given)"
    return (
        f"{region_title(followed.region)} {shown} on the baseline's grid, in the axial slice where it is largest, and of "
        "three exams or more in the one that changed most; the patient's right is on the left."
    )


def _exams(followed: Followed) -> Table:
    names = followed.region_volumes
    rows = []
    for index, (point, response) in enumerate(zip(followed.points, followed.responses, strict=True)):
        rows.append(
            (
                _title(followed, index),
                *(f"{point.volumes_ml[name]:.1f}" for name in names),
                str(len(lesions_at(followed, index))),
                f"{longest_mm(followed, index)[0]:.1f}",
                f"{response.sum_mm2:.0f}",
                _with_confirmation(response),
                response.volume_category,
            )
        )
    columns = ("Exam", *(f"{name} ml" for name in names), "Lesions", "Axial mm", "Sum mm²", "Category", "By volume")
    share = 0.52 / (len(columns) - 3)
    return Table(columns, tuple(rows), (0.2, *[share] * (len(columns) - 3), 0.14, 0.14), frozenset(range(1, len(columns) - 2)))


def _with_confirmation(response: Response) -> str:
    """The category, and a word where an exam later on has confirmed it or has not."""
    state = response.confirmation.state
    return f"{response.category}, {state}" if state in ("confirmed", "not confirmed") else response.category


def _changes(followed: Followed) -> Table:
    rows = [
        (
            _title(followed, change.time),
            change.event,
            _numbers(change.before),
            _numbers(change.after),
            f"{change.before_ml:.2f}" if change.before else "",
            f"{change.after_ml:.2f}" if change.after else "",
            "" if change.percent is None or not change.after else f"{change.percent:+.0f} %",
        )
        for change in followed.history.changes
    ]
    columns = ("Exam", "What", "Lesion before", "Lesion after", "ml before", "ml after", "Change")
    return Table(columns, tuple(rows[:_MOST_LESIONS]), (0.2, 0.14, 0.16, 0.16, 0.12, 0.12, 0.1), frozenset({4, 5, 6}))


def _change_volumes(followed: Followed) -> Table:
    voxel = followed.points[0].labels.grid.voxel_volume
    rows = []
    for index, point in enumerate(followed.points):
        for reference, changes in point.changes.items():
            told = change_volumes(changes, voxel)
            words = "the baseline" if reference == "baseline" else "the exam before"
            rows.append((_title(followed, index), words, *(f"{told[word]:.2f}" for word in ("stable", "new", "gone"))))
    return Table(
        ("Exam", "Compared with", "Stable ml", "New ml", "Gone ml"),
        tuple(rows),
        (0.28, 0.27, 0.15, 0.15, 0.15),
        frozenset({2, 3, 4}),
    )


def _lesions(followed: Followed) -> Table:
    rows = [
        (
            _title(followed, index),
            str(name),
            f"{lesion.volume_ml:.2f}",
            f"{lesion.axial.longest_mm:.1f} x {lesion.axial.perpendicular_mm:.1f}",
            f"{lesion.product_mm2:.0f}",
            f"{lesion.feret_mm:.1f}",
            "yes" if lesion.measurable else "no",
            "yes" if name in followed.responses[index].targets else "no",
        )
        for index in range(len(followed.points))
        for name, lesion in lesions_at(followed, index).items()
    ]
    columns = ("Exam", "Lesion", "ml", "Axial diameters mm", "Product mm²", "3-D mm", "Measurable", "In the sum")
    return Table(columns, tuple(rows[:_MOST_LESIONS]), (0.17, 0.08, 0.08, 0.2, 0.13, 0.09, 0.15, 0.1), frozenset({2, 3, 4, 5}))


def _numbers(names: Iterable[int]) -> str:
    return ", ".join(map(str, names))


def _method(followed: Followed) -> list[str]:
    out = [f"Order of time by {followed.time_source}."]
    for index, point in enumerate(followed.points[1:], start=1):
        out.append(f"{_title(followed, index)} {_WAYS[point.placement.way]}.{_landmarks(point)}")
    return out + [f"{name}: {words}" for name, words in definitions(followed).items()]


def _landmarks(point: TimePoint) -> str:
    if not point.landmarks_mm:
        return ""
    return (
        " Mean distance of the landmarks: " + ", ".join(f"{v:.2f} mm {stage}" for stage, v in point.landmarks_mm.items()) + "."
    )
