"""One CSV row a lesion."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glioscope.core.files import write_text

__all__ = ["LESION_COLUMNS", "write_lesion_table"]

LESION_COLUMNS: tuple[str, ...] = (
    "exam",
    "region",
    "lesion",
    "volume_ml",
    "volume_lower_ml",
    "volume_upper_ml",
    "feret_diameter_mm",
    "axial_diameter_mm",
    "axial_perpendicular_diameter_mm",
    "axial_product_mm2",
    "axial_slice_index",
    "axial_slices",
    "rano_measurable",
    "beside_cavity",
    "satellite_distance_mm",
    "centre_x_mm",
    "centre_y_mm",
    "centre_z_mm",
    "side",
    "main_lobe",
    "crosses_midline",
    "distance_to_brain_surface_mm",
    "depth_of_centre_mm",
    "distance_to_ventricles_mm",
)
"""All columns in order; a cell is empty where nothing is known, `rano_measurable` where RANO does not measure the region."""


def write_lesion_table(path: Path, measurements: Mapping[str, Any]) -> None:
    """Write the lesions of a document of measurements as CSV (UTF-8, comma, header first); raises OutputUnwritable."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, LESION_COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for region, lesions in measurements["lesions"].items():
        measurable = _measurable(measurements["rano"], region)
        for lesion in lesions:
            low, high = lesion["volume_interval_ml"] or (None, None)
            row = {"exam": measurements["exam"], "region": region, "lesion": lesion["number"], **lesion}
            row |= {"volume_lower_ml": low, "volume_upper_ml": high, "rano_measurable": measurable.get(lesion["number"])}
            row |= dict(zip(("centre_x_mm", "centre_y_mm", "centre_z_mm"), lesion["centre_of_mass_ras_mm"], strict=True))
            row |= lesion["location"] or {}
            writer.writerow({name: "" if row.get(name) is None else row[name] for name in LESION_COLUMNS})
    write_text(path, stream.getvalue())


def _measurable(rano: Mapping[str, Any], region: str) -> dict[int, bool]:
    """Lesion -> whether it is measurable; empty for a region that RANO does not measure."""
    found = [rano[kind] for kind in ("enhancing", "t2_flair") if rano.get(kind, {}).get("region") == region]
    return {lesion["lesion"]: lesion["measurable"] for disease in found for lesion in disease["lesions"]}
