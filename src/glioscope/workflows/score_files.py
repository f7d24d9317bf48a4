"""Writing an evaluation as tables and pictures, each with the definitions of its numbers beside it."""

from __future__ import annotations

import csv
import importlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glioscope.core import EngineMissing
from glioscope.core.files import atomic, check_file, check_folder, write_bytes, write_json, write_text

if TYPE_CHECKING:
    from glioscope.workflows.evaluate import Evaluation
    from glioscope.workflows.rank import SystemsRanking

__all__ = ["check_writable", "write_lesions", "write_plots", "write_scores", "write_system_plots", "write_table"]

Row = Mapping[str, Any]

LESION_DEFINITIONS = {
    "lesion": "Number of the lesion within its case and region, from 1.",
    "kind": "tp: lesion of the reference that was found; fn: one that was missed; fp: predicted lesion that matches none.",
    "counted": "Whether the lesion-wise means include it.",
    "reference_volume_mm3": "Volume of the reference's lesion; 0 for fp.",
    "predicted_volume_mm3": "Volume of all predicted lesions matched to it; 0 for fn.",
}

PLOTTED = ("lesion_dice", "lesion_hd95", "lesion_nsd_0.5", "lesion_nsd_1.0", "dice", "hd95", "nsd_0.5", "nsd_1.0")


def check_writable(tables: Sequence[Path], folder: Path | None = None) -> None:
    """Find out before minutes of work what would fail after them.

    Raises:
        OutputUnwritable: a table, or the folder for pictures, cannot be written.
        EngineMissing: a Parquet file is wanted without pyarrow.
    """
    if any(path.suffix.lower() == ".parquet" for path in tables):
        _pyarrow()
    for table in tables:
        check_file(table)
    if folder:
        check_folder(folder)


def _pyarrow() -> tuple[Any, Any]:
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise EngineMissing("Parquet files need pyarrow; install it with: pip install 'glioscope[parquet]'") from error


def _cell(value: Any) -> Any:  # noqa: ANN401
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return str(value).lower() if isinstance(value, bool) else value


def _write_csv(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n", delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    write_text(path, stream.getvalue())


def _write_parquet(path: Path, columns: Sequence[str], rows: Sequence[Row], about: Mapping[str, Any]) -> None:
    pa, parquet = _pyarrow()
    cells = {name: [None if _cell(row.get(name)) == "" else row.get(name) for row in rows] for name in columns}
    metadata = {"glioscope": json.dumps(about, ensure_ascii=False)}
    with atomic(path) as scratch:
        parquet.write_table(pa.table(cells).replace_schema_metadata(metadata), scratch)


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Row], about: Mapping[str, Any]) -> None:
    """Write rows as CSV, TSV or Parquet, by the ending of `path`.

    A text table gets a file `NAME.definitions.json` beside it; Parquet carries the same document in its schema's metadata
    under the key `glioscope`. A cell is empty (null) where there is no number or not a finite one.

    Raises:
        OutputUnwritable: the place cannot be written.
        EngineMissing: Parquet without pyarrow.
    """
    if path.suffix.lower() == ".parquet":
        _write_parquet(path, columns, rows, about)
        return
    _write_csv(path, columns, rows)
    write_json(path.with_name(f"{path.stem}.definitions.json"), about)


def write_scores(path: Path, evaluation: Evaluation) -> None:
    """One row a case and region, one column a metric; raises as write_table."""
    facts = list(dict.fromkeys(key for case in evaluation.cases for key in case.facts if key != "ignored_labels"))
    metrics = [name for name in evaluation.metrics if name not in facts]
    facts = [name for name in facts if name not in ("id", "region")]
    rows = [
        {**{key: case.facts.get(key) for key in facts}, "id": case.id, "region": name, **region.values}
        for case in evaluation.cases
        for name, region in case.regions.items()
    ]
    write_table(path, ["id", "region", *facts, *metrics], rows, evaluation.about())


def write_lesions(path: Path, evaluation: Evaluation) -> None:
    """One row a lesion, found, missed or false; raises as write_table."""
    scores = list(
        dict.fromkeys(
            key
            for case in evaluation.cases
            for region in case.regions.values()
            for lesion in region.lesions
            for key in lesion.scores
        )
    )
    rows = [
        {
            "id": case.id,
            "region": name,
            "lesion": number,
            "kind": lesion.kind,
            "counted": lesion.counted,
            "reference_volume_mm3": lesion.reference_volume_mm3,
            "predicted_volume_mm3": lesion.predicted_volume_mm3,
            **lesion.scores,
        }
        for case in evaluation.cases
        for name, region in case.regions.items()
        for number, lesion in enumerate(region.lesions, start=1)
    ]
    about = evaluation.about()
    about["definitions"] = LESION_DEFINITIONS | {
        key: about["definitions"].get(f"lesion_{key}", about["definitions"].get(key, "")) + " Here: of this lesion alone."
        for key in scores
    }
    write_table(
        path,
        ["id", "region", "lesion", "kind", "counted", "reference_volume_mm3", "predicted_volume_mm3", *scores],
        rows,
        about,
    )


def write_plots(folder: Path, evaluation: Evaluation) -> list[Path]:
    """Box plots of the main metrics, the lesion-size plot and the Bland-Altman plot of volumes, as PNG, with their definitions.

    What cannot be drawn (no lesion, no predicted volumes in the protocol) is left out.

    Returns:
        The files written, `definitions.json` last.

    Raises:
        OutputUnwritable: `folder` cannot be written.
    """
    from glioscope.evaluation.plots import bland_altman_plot, box_plot, lesion_size_plot

    pictures: dict[str, bytes] = {}
    drawn = [name for name in PLOTTED if name in evaluation.metrics]
    regions = list(evaluation.protocol.regions)
    for metric in drawn:
        columns = {
            name: [case.regions[name].values[metric] for case in evaluation.cases if metric in case.regions[name].values]
            for name in regions
        }
        if any(math.isfinite(value) for column in columns.values() for value in column):
            pictures[f"box_{metric}"] = box_plot({evaluation.protocol.name: columns}, metric)
    lesions = {name: [lesion for case in evaluation.cases for lesion in case.regions[name].lesions] for name in regions}
    if any(lesion.counted for found in lesions.values() for lesion in found):
        pictures["lesion_size"] = lesion_size_plot(lesions)
    if "predicted_volume_mm3" in evaluation.metrics:
        pairs = {
            name: tuple(
                [case.regions[name].values[f"{side}_volume_mm3"] / 1000 for case in evaluation.cases]
                for side in ("reference", "predicted")
            )
            for name in regions
        }
        pictures["bland_altman_volume"] = bland_altman_plot({name: (pair[0], pair[1]) for name, pair in pairs.items()})
    written = [folder / f"{name}.png" for name in pictures]
    for path, content in zip(written, pictures.values(), strict=True):
        write_bytes(path, content)
    write_json(folder / "definitions.json", evaluation.about())
    return [*written, folder / "definitions.json"]


def write_system_plots(folder: Path, ranking: SystemsRanking) -> list[Path]:
    """A box plot a metric with the systems side by side, and their definitions; raises OutputUnwritable."""
    from glioscope.evaluation.plots import box_plot

    pictures = {}
    for metric in ranking.metrics:
        columns = ranking.columns(metric)
        if any(math.isfinite(value) for by in columns.values() for column in by.values() for value in column):
            pictures[folder / f"systems_{metric}.png"] = box_plot(columns, metric)
    for path, content in pictures.items():
        write_bytes(path, content)
    about = {"protocol": ranking.protocol, "definitions": dict(ranking.definitions)}
    definitions = folder / "systems_definitions.json"
    write_json(definitions, about)
    return [*pictures, definitions]
