"""A table of growths."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from glioscope.core import InputUnreadable, SomeExamsFailed, Volume, write_volume
from glioscope.workflows.grow_sweep import _read, grow_sweep
from glioscope.workflows.growth_tissue import TissueFiles


@pytest.fixture
def head(tmp_path: Path) -> TissueFiles:
    """A ball of white matter, a tumour in it and a larger one later, beside the table."""
    radius = np.asarray(sum((g - 9) ** 2 for g in np.ogrid[:20, :20, :20])) ** 0.5
    ones = {"wm": (radius < 8).astype(np.float32), "gm": np.zeros(radius.shape, np.float32)}
    ones |= {"early": (radius < 2.5).astype(np.uint8), "late": (radius < 5).astype(np.uint8)}
    for name, data in ones.items():
        write_volume(tmp_path / f"{name}.nii.gz", Volume.of(data, np.diag([2.0, 2, 2, 1])))
    return TissueFiles(tmp_path / "wm.nii.gz", tmp_path / "gm.nii.gz")


def _table(folder: Path, *rows: str) -> Path:
    path = folder / "rows.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def test_each_row_is_grown_and_scored_once(tmp_path: Path, head: TissueFiles) -> None:
    rows = ["id,start,follow_up,rho,white", "slow,early.nii.gz,late.nii.gz,0.02,0.5", "fast,early.nii.gz,late.nii.gz,0.05,0.5"]
    first = grow_sweep(_table(tmp_path, *rows), tmp_path / "out", tissue=head)
    slow, fast = (json.loads((tmp_path / "out" / name / "growth.json").read_text()) for name in ("slow", "fast"))

    assert first.made == 2 and slow["time"] > fast["time"] and slow["parameters"]["rho"] == 0.02
    with first.table.open() as stream:
        written = list(csv.DictReader(stream))
    assert [row["id"] for row in written] == ["slow", "fast"]
    assert float(written[1]["average_precision"]) == fast["follow_up"]["average_precision"] > 0.9

    again = grow_sweep(_table(tmp_path, *rows, "more,early.nii.gz,late.nii.gz,0.05,1.0"), tmp_path / "out", tissue=head)
    assert again.made == 1 and again.rows[:2] == first.rows
    changed = grow_sweep(_table(tmp_path, rows[0], rows[1].replace("0.02", "0.03"), rows[2]), tmp_path / "out", tissue=head)
    assert changed.made == 1 and changed.rows[0]["time"] < first.rows[0]["time"]


def test_a_table_as_excel_writes_it_in_europe(tmp_path: Path) -> None:
    """Semicolons were read as one column, in this command alone."""
    (row,) = _read(_table(tmp_path, "id;start;until_time", "a;mm:1,2,3;5"))
    assert (row["start"], row["until_time"]) == ("mm:1,2,3", "5")


def test_a_row_that_fails_harms_no_other(tmp_path: Path, head: TissueFiles) -> None:
    rows = ("start,until_volume,rho", "gone.nii.gz,3,", "voxel:9,9,9,3,0.05", "early.nii.gz,x,", "early.nii.gz,3,-1")
    table = _table(tmp_path, *(row if "voxel" not in row else '"voxel:9,9,9",3,0.05' for row in rows))
    found = grow_sweep(table, tmp_path / "out", tissue=head)

    assert [bool(row["error"]) for row in found.rows] == [True, False, True, True]
    assert "gone.nii.gz" in found.rows[0]["error"] and "'x' in column until_volume" in found.rows[2]["error"]
    assert found.rows[1]["visible_ml"] == pytest.approx(3, abs=0.5) and found.rows[1]["scored"] == ""
    with pytest.raises(SomeExamsFailed, match="3 of 4 growths failed"):
        found.check()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["start,speed", "a,1"], "column 'speed'"),
        (["id,start", "a,"], "names no start in row 1"),
        (["id,start", "a,x", "a,y"], "one id in two rows"),
        (["start"], "has no rows"),
        (["start,rho", "mm:1,2,3,0.1"], "more cells than columns"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(tmp_path: Path, rows: list[str], words: str) -> None:
    with pytest.raises(InputUnreadable, match=words):
        grow_sweep(_table(tmp_path, *rows), tmp_path / "out")
    with pytest.raises(InputUnreadable, match="cannot be read as a table"):
        grow_sweep(tmp_path / "none.csv", tmp_path / "out")
    assert not (tmp_path / "out").exists()
