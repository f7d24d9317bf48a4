"""The output folder as a BIDS derivatives dataset."""

from __future__ import annotations

from pathlib import Path

import glioscope
from glioscope.core.files import ensure_folder, sweep, write_json, write_text

__all__ = ["RECORDS", "open_dataset", "records_folder"]

RECORDS = ".glioscope"
"""Folder of the step records and converted series below the output folder; BIDS tools ignore names with a leading dot."""

_NOT_BIDS = "*.csv\n*.h5\nsub-*/**/report/\nsub-*/**/dicom/\nsub-*/**/provenance.json\nsub-*/**/inspection.json\n"


def open_dataset(out: Path) -> Path:
    """Make `out` a BIDS derivatives dataset, ready to be written to; raises OutputUnwritable."""
    ensure_folder(out)
    sweep(out)
    description = {
        "Name": "Glioscope results",
        "BIDSVersion": "1.10.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "Glioscope", "Version": glioscope.__version__}],
    }
    write_json(out / "dataset_description.json", description)
    write_text(out / ".bidsignore", _NOT_BIDS)
    return out


def records_folder(out: Path, name: str) -> Path:
    """Where the step records of exam `name` lie."""
    return out / RECORDS / name
