"""`glioscope grow-sweep`: a table of growths, one row each: parameters, patients, or both."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from os import PathLike
from pathlib import Path
from typing import Any

from glioscope.core import GlioscopeError, InputUnreadable, InvalidImage, SomeExamsFailed, bids_name
from glioscope.core.counting import counted
from glioscope.core.files import ensure_folder, sha256, write_json, write_text
from glioscope.core.tables import delimiter_of
from glioscope.growth import GrowthParameters
from glioscope.workflows.grow import grow
from glioscope.workflows.growth_tissue import TissueFiles
from glioscope.workflows.progress import Progress

__all__ = ["GrowthSweep", "grow_sweep"]

RESULTS = "growth.csv"
ROW = "row.json"
"""What a finished growth was made from, in its folder: the same is not grown again."""

_PARAMETERS = tuple(field.name for field in fields(GrowthParameters))
_ENDS = ("until_volume", "until_time")
_FILES = ("start", "follow_up", "exclude")
COLUMNS = ("id", *_FILES, "protocol", *_ENDS, *_PARAMETERS)
SCORES = ("average_precision", "prevalence", "volume_matched_dice")


@dataclass(frozen=True)
class GrowthSweep:
    """What came of each row.

    Attributes:
        table: The file of results, a row each.
        rows: The same: the table's columns, `visible_ml`, `time`, `scored` (`follow_up`, `fit` or empty), the scores, `error`.
        made: How many were grown now; the others were there.
    """

    table: Path
    rows: tuple[dict[str, Any], ...]
    made: int

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {"table": str(self.table), "made": self.made, "rows": list(self.rows)}

    def check(self) -> None:
        """Raise SomeExamsFailed where a row failed."""
        failed = [row["id"] for row in self.rows if row["error"]]
        if failed:
            names = ", ".join(failed[:6])
            raise SomeExamsFailed(
                f"{len(failed)} of {counted(len(self.rows), 'growth')} failed ({names}); see {self.table.name}."
            )


def grow_sweep(
    table: str | PathLike[str],
    out: str | PathLike[str],
    *,
    region: str = "WT",
    scheme: str = "auto",
    tissue: TissueFiles | None = None,
    progress: Progress | None = None,
) -> GrowthSweep:
    """Grow each row of a table into a folder of its own, and put the scores into one table.

    A row that was grown from the same files with the same parameters is kept, so an interrupted sweep goes on where it stopped;
    one that fails harms no other.

    Args:
        table: CSV or TSV with the column `start` and any of `id`, `follow_up`, `exclude`, `protocol`, `until_volume` (ml),
            `until_time`, `rho`, `white`, `grey`, `tau`, `visible`; what is empty has `grow`'s default. Files are relative to
            it.
        out: Folder to write to: `growth.csv`, and a folder for each row.
        region, scheme, tissue: As of `grow`, for all rows.
        progress: Listener.

    Raises:
        InputUnreadable: the table cannot be read, has an unknown column, a row without `start`, or one id twice.
        OutputUnwritable: `out` cannot be written.
    """
    path, tissue, progress = Path(table), tissue or TissueFiles(), progress or Progress()
    orders = _read(path)
    folder = ensure_folder(Path(out))
    rows, made = [], 0
    for number, order in enumerate(orders, start=1):
        progress.exam_started(order["id"], number, len(orders))
        row: dict[str, Any] = {name: order.get(name, "") for name in COLUMNS}
        try:
            numbers, new = _row(order, path.parent, folder / order["id"], region, scheme, tissue)
            made += new
            row |= _scored(numbers) | {"error": ""}
        except GlioscopeError as error:
            row |= _scored({}) | {"error": str(error)}
            progress.exam_failed(order["id"], str(error))
        rows.append(row)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(folder / RESULTS, text.getvalue())
    return GrowthSweep(folder / RESULTS, tuple(rows), made)


def _read(path: Path) -> list[dict[str, str]]:
    """The rows, each with an id that may be a folder's name."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        found = list(csv.DictReader(lines, delimiter=delimiter_of(lines), restval=""))
    except (OSError, ValueError, csv.Error) as error:
        why = getattr(error, "strerror", None) or "no CSV in UTF-8"
        raise InputUnreadable(f"'{path.name}' cannot be read as a table ({why}).") from error
    if not found:
        raise InputUnreadable(f"'{path.name}' has no rows; it needs a line of column names and a line for each growth.")
    if any(None in row for row in found):
        raise InputUnreadable(
            f"'{path.name}' has a row with more cells than columns; a place needs quotes, as \"mm:-20,35,10\"."
        )
    rows = [{name.strip(): value.strip() for name, value in row.items()} for row in found]
    if unknown := sorted(set(rows[0]) - set(COLUMNS)):
        raise InputUnreadable(f"'{path.name}' has the column '{unknown[0]}'; known ones are {', '.join(COLUMNS)}.")
    width = len(str(len(rows)))
    for number, row in enumerate(rows, start=1):
        if not row.get("start"):
            raise InputUnreadable(f"'{path.name}' names no start in row {number}.")
        row["id"] = bids_name(row["id"]) if row.get("id") else f"{number:0{width}d}"
    if len({row["id"] for row in rows}) < len(rows):
        raise InputUnreadable(f"'{path.name}' has one id in two rows; give each growth its own.")
    return rows


def _row(
    order: Mapping[str, str], beside: Path, folder: Path, region: str, scheme: str, tissue: TissueFiles
) -> tuple[dict[str, Any], bool]:
    """The numbers of `growth.json`, and whether it was grown now."""
    given = {name: _number(order, name) for name in (*_PARAMETERS, *_ENDS) if order.get(name)}
    parameters = GrowthParameters(**{name: given[name] for name in _PARAMETERS if name in given})
    protocol = order.get("protocol") or "forward"
    if protocol not in ("forward", "bidirectional"):
        raise InvalidImage(f"'{protocol}' is no protocol; write forward or bidirectional.")
    place = order["start"].startswith(("mm:", "voxel:"))
    files = {name: beside / order[name] for name in _FILES if order.get(name) and not (name == "start" and place)}
    made_from = {
        "start": order["start"],
        "parameters": asdict(parameters),
        "protocol": protocol,
        "region": region,
        "scheme": scheme,
        "tensor_order": tissue.tensor_order,
        **{name: given.get(name) for name in _ENDS},
        **{name: _content(file) for name, file in files.items()},
        **{name: _content(f) for name in ("white", "grey", "brain", "tensor") if (f := getattr(tissue, name)) is not None},
    }
    if (there := _there(folder, made_from)) is not None:
        return there, False
    (folder / ROW).unlink(missing_ok=True)
    grown = grow(
        str(files.get("start", order["start"])),
        folder,
        parameters=parameters,
        protocol=protocol,  # type: ignore[arg-type]
        until_volume_ml=given.get("until_volume"),
        until_time=given.get("until_time"),
        follow_up=files.get("follow_up"),
        exclude=(files["exclude"],) if "exclude" in files else (),
        region=region,
        scheme=scheme,
        tissue=tissue,
    )
    write_json(folder / ROW, {"made_from": made_from, "numbers": grown.numbers})
    return grown.numbers, True


def _there(folder: Path, made_from: Mapping[str, Any]) -> dict[str, Any] | None:
    """The numbers of a growth that is there, if it was made from the same."""
    try:
        document = json.loads((folder / ROW).read_text(encoding="utf-8"))
        numbers: dict[str, Any] = document["numbers"]
        return numbers if document["made_from"] == made_from else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _content(path: Path) -> list[str]:
    """What a file, or the files of a folder, contain."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    return [sha256(file) for file in files]


def _number(order: Mapping[str, str], name: str) -> float:
    try:
        return float(order[name])
    except ValueError:
        raise InvalidImage(f"'{order[name]}' in column {name} is no number.") from None


def _scored(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of one row."""
    kind = next((name for name in ("follow_up", "fit") if name in numbers), "")
    scores = numbers.get(kind, {})
    return {
        "visible_ml": numbers.get("visible_ml", ""),
        "time": numbers.get("time", ""),
        "scored": kind,
        **{name: scores.get(name, "") for name in SCORES},
    }
