"""The table of a cohort."""

from __future__ import annotations

import csv
from pathlib import Path

from glioscope.reporting import COLUMNS, cohort_row, write_cohort_table
from tests.reporting.documents import measurements, quality


def test_columns_are_the_same_for_every_exam(tmp_path: Path) -> None:
    rows = [
        cohort_row(measurements(), quality()),
        cohort_row(measurements(tumour=False), quality()),
        cohort_row(measurements(known=["WT"]), quality()),
    ]
    path = tmp_path / "cohort.csv"
    write_cohort_table(path, rows)
    with path.open(encoding="utf-8", newline="") as stream:
        full, empty, partial = csv.DictReader(stream)
    assert tuple(full) == tuple(empty) == tuple(partial) == COLUMNS
    found = measurements()["regions"]
    assert float(full["region_WT_volume_ml"]) == found["WT"]["volume_ml"]
    assert float(full["TC_feret_diameter_mm"]) == found["TC"]["feret_diameter_mm"]
    assert (full["location_of"], full["side"], full["quality"]) == ("TC", "left", "usable with caution")
    assert (empty["region_WT_volume_ml"], empty["side"], empty["WT_feret_diameter_mm"]) == ("0.0", "", "")
    assert (partial["region_TC_volume_ml"], partial["label_ED_volume_ml"], partial["location_of"]) == ("", "", "WT")


def test_a_comma_or_quote_in_a_name_stays_in_its_cell(tmp_path: Path) -> None:
    row = {**cohort_row(measurements(), quality()), "segmenter": 'a, "b"\n'}
    write_cohort_table(tmp_path / "c.csv", [row])
    with (tmp_path / "c.csv").open(encoding="utf-8", newline="") as stream:
        assert next(iter(csv.DictReader(stream)))["segmenter"] == 'a, "b"\n'
