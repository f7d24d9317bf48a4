"""The numbers of a patient over time: `follow.json` and three tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from glioscope.core.files import write_json, write_text
from glioscope.longitudinal import CONFIRM_DAYS, EDITION, LEAST_OVERLAP, LIMITS, MEASURABLE_MM, REACH_MM, Lesion, change_volumes
from glioscope.measurement.lesions import MIN_LESION_MM3

if TYPE_CHECKING:
    from glioscope.workflows.follow import Followed

__all__ = ["definitions", "follow_document", "lesions_at", "longest_mm", "write_tables"]


def definitions(followed: Followed) -> dict[str, str]:
    """What each number means, in sentences."""
    return {
        "Lesion": f"26-connected piece of {followed.region} of at least {MIN_LESION_MM3:g} mm3, or all that is left of one. "
        "Volume and diameters are measured on the exam's own grid, before anything is registered.",
        "Same lesion": f"at least {100 * LEAST_OVERLAP:.0f} % of the smaller of two lies in the other, on the baseline's grid; "
        f"else, for two without a partner, their voxels come within {REACH_MM:g} mm and a voxel. A number stays with a lesion.",
        "Grew, shrank": f"the volume changed by {followed.change_percent:g} % or more; stable: by less. Recurred: it lies "
        "where an earlier lesion had gone.",
        "Measurable": f"both axial diameters reach {MEASURABLE_MM:g} mm (twice the slice thickness above 5 mm), on two slices "
        "or more.",
        "Category": f"{EDITION}. PD: a new measurable lesion, one that has become measurable and 5 mm longer, or the sum of "
        "products 25 % above its smallest before. CR: no lesion left. PR: the sum 50 % below the baseline's and no new lesion. "
        "MR (of non-enhancing disease, WT, only): 25 %. SD: else. By volume: 40 %, 65 % and 40 %.",
        "Confirmed": f"CR, PR, MR: an exam {CONFIRM_DAYS} days later or more, and all in between, are no worse. PD: it is PD "
        "then too, or the lesion that appeared is still there.",
        "Change map": "on the baseline's grid: 1 stable (in both exams), 2 new, 3 gone.",
    }


def lesions_at(followed: Followed, index: int) -> dict[int, Lesion]:
    """Name -> lesion of one exam."""
    known, named = followed.history.maps[index], followed.history.names[index]
    return dict(sorted((name, known.lesions[piece]) for piece, name in named.items()))


def longest_mm(followed: Followed, index: int) -> tuple[float, float]:
    """Longest axial and longest 3-D diameter of any lesion of one exam, in mm; 0 where there is none."""
    lesions = lesions_at(followed, index).values()
    axial = max((lesion.axial.longest_mm for lesion in lesions), default=0.0)
    return axial, max((lesion.feret_mm for lesion in lesions), default=0.0)


def follow_document(followed: Followed) -> dict[str, Any]:
    """Everything, JSON-ready; no date, no name, no path."""
    return {
        "region": followed.region,
        "time_from": followed.time_source,
        "exams": [_exam(followed, index) for index in range(len(followed.points))],
        "changes": [{"from_exam": c.time, "to_exam": c.time + 1, **c.document()} for c in followed.history.changes],
        "edition": EDITION,
        "limits": LIMITS,
        "definitions": definitions(followed),
        "remarks": list(followed.remarks),
    }


def _exam(followed: Followed, index: int) -> dict[str, Any]:
    point = followed.points[index]
    voxel = followed.points[0].labels.grid.voxel_volume
    axial, feret = longest_mm(followed, index)
    return {
        "exam": index + 1,
        "given_as": point.exam.given,
        "day": None if point.day is None else int(point.day),
        "scheme": point.scheme.name,
        "space": point.exam.space,
        "brought_to_baseline_by": point.placement.way if index else None,
        "landmarks_mean_mm": point.landmarks_mm or None,
        "volumes_ml": {name: round(value, 3) for name, value in point.volumes_ml.items()},
        "longest_axial_diameter_mm": round(axial, 1),
        "longest_feret_diameter_mm": round(feret, 1),
        "lesions": {str(name): lesion.document() for name, lesion in lesions_at(followed, index).items()},
        "response": followed.responses[index].document(),
        "change_ml": {reference: change_volumes(changes, voxel) for reference, changes in point.changes.items()},
    }


def write_tables(followed: Followed) -> None:
    """Write `follow.json`, `exams.csv` (the curves), `lesions.csv` and `changes.csv`; raises OutputUnwritable."""
    document = follow_document(followed)
    write_json(followed.folder / "follow.json", document)
    exams = []
    for exam in document["exams"]:
        response = exam["response"]
        row = {"exam": exam["exam"], "day": exam["day"]}
        row |= {f"volume_{name}_ml": exam["volumes_ml"][name] for name in followed.region_volumes}
        row |= {"lesions": len(exam["lesions"])}
        row |= {key: exam[key] for key in ("longest_axial_diameter_mm", "longest_feret_diameter_mm")}
        row |= {
            key: response[key] for key in ("lesion_volume_ml", "sum_of_products_mm2", "category", "volume_category", "rule")
        }
        exams.append(row | {"confirmation": response["confirmation"]["state"]})
    _write_csv(followed, "exams.csv", exams)
    lesions = [
        {
            "exam": exam["exam"],
            "day": exam["day"],
            "lesion": name,
            **{k: v for k, v in lesion.items() if not isinstance(v, list)},
        }
        for exam in document["exams"]
        for name, lesion in exam["lesions"].items()
    ]
    _write_csv(followed, "lesions.csv", lesions, ("exam", "day", "lesion"))
    changes = [
        {key: " ".join(map(str, value)) if isinstance(value, list) else value for key, value in change.items()}
        for change in document["changes"]
    ]
    _write_csv(followed, "changes.csv", changes, ("from_exam", "to_exam", "event"))


def _write_csv(followed: Followed, name: str, rows: Iterable[Mapping[str, Any]], empty: Sequence[str] = ()) -> None:
    rows = list(rows)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]) if rows else list(empty), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: "" if value is None else value for key, value in row.items()} for row in rows)
    write_text(followed.folder / name, stream.getvalue())
