"""One CSV row an exam, with columns that stay the same whatever the label scheme."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from glioscope.core import SCHEMES
from glioscope.core.files import write_text

__all__ = ["COLUMNS", "cohort_row", "write_cohort_table"]

_REGIONS = tuple(dict.fromkeys(name for scheme in SCHEMES.values() for name in scheme.regions))
_LABELS = tuple(dict.fromkeys(label.name for scheme in SCHEMES.values() for label in scheme.labels.values()))
_LENGTHS = ("feret_diameter_mm", "axial_diameter_mm", "axial_perpendicular_diameter_mm", "lesion_count")
_MEASURED = ("WT", "TC", "ET")

COLUMNS: tuple[str, ...] = (
    "id",
    "session",
    "segmenter",
    "scheme",
    "quality",
    "brain_volume_ml",
    *(f"region_{name}_volume_ml" for name in _REGIONS),
    *(f"label_{name}_volume_ml" for name in _LABELS),
    *(f"{region}_{length}" for region in _MEASURED for length in _LENGTHS),
    "location_of",
    "side",
    "left_percent",
    "right_percent",
    "main_lobe",
    *(f"{region}_volume_{end}_ml" for region in _MEASURED for end in ("lower", "upper")),
    "foci",
    "multifocality",
    "rano_enhancing_sum_mm2",
    "rano_t2_flair_sum_mm2",
    "crosses_midline",
    "expected_residual_ml",
    "resectability_index",
)
"""All columns in order; a cell is empty where the scheme has no such region or label."""


def cohort_row(measurements: Mapping[str, Any], quality: Mapping[str, Any]) -> dict[str, Any]:
    """The row of one exam from its two documents, with every one of COLUMNS."""
    regions, labels = measurements["regions"], measurements["labels"]
    shares = measurements["location"]["regions"]
    main = next((name for name in ("TC", "WT", *shares) if shares.get(name, {}).get("side")), None)
    share = shares[main] if main else {}
    row: dict[str, Any] = {name: measurements.get(name) for name in ("id", "session", "segmenter", "scheme", "brain_volume_ml")}
    row |= {"quality": quality["verdict"], "location_of": main}
    row |= {f"region_{name}_volume_ml": region["volume_ml"] for name, region in regions.items()}
    row |= {f"label_{name}_volume_ml": label["volume_ml"] for name, label in labels.items()}
    row |= {f"{name}_{length}": regions[name][length] for name in _MEASURED if name in regions for length in _LENGTHS}
    row |= {name: share.get(name) for name in ("side", "left_percent", "right_percent", "main_lobe")}
    row |= _extended(measurements, main)
    return {name: row.get(name) for name in COLUMNS}


def _extended(measurements: Mapping[str, Any], main: str | None) -> dict[str, Any]:
    """The cells from intervals, foci, RANO and surroundings; none for measurements that were made before there were any."""
    row: dict[str, Any] = {}
    for region in _MEASURED:
        interval = measurements["regions"].get(region, {}).get("volume_interval_ml")
        if interval:
            row |= dict(zip((f"{region}_volume_lower_ml", f"{region}_volume_upper_ml"), interval, strict=True))
    foci = measurements.get("foci") or {}
    row |= {"foci": foci.get("count"), "multifocality": foci.get("multifocality")}
    for kind in ("enhancing", "t2_flair"):
        row[f"rano_{kind}_sum_mm2"] = measurements.get("rano", {}).get(kind, {}).get("sum_of_products_mm2")
    lesions = measurements.get("lesions", {}).get(main or "", [])
    row["crosses_midline"] = any(x["location"]["crosses_midline"] for x in lesions if x["location"]) if lesions else None
    surgery = measurements.get("resectability", {}).get("regions", {}).get(main or "", {})
    return row | {name: surgery.get(name) for name in ("expected_residual_ml", "resectability_index")}


def write_cohort_table(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows of `cohort_row`, in their order, as CSV (UTF-8, comma, header first); raises OutputUnwritable."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: "" if row.get(name) is None else row[name] for name in COLUMNS} for row in rows)
    write_text(path, stream.getvalue())
