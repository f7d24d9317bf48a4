"""`provenance.json`: what went in, which versions did what with which parameters, and how long it took."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import glioscope
from glioscope.core import Exam, Ledger
from glioscope.core.files import sha256, write_json

__all__ = ["write_provenance"]


def write_provenance(path: Path, exam: Exam, ledger: Ledger, inspection: Mapping[str, Any]) -> None:
    """Write the provenance of one exam atomically.

    Everything in it but the `seconds` of the steps is the same for the same input, versions and machine, so that two runs
    can be compared.
    """
    versions: dict[str, str] = {}
    for record in ledger.records.values():
        versions.update(record.versions)
    document = {
        "generated_by": {"name": "Glioscope", "version": glioscope.__version__},
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "device": "cpu",
        "cores": os.cpu_count(),
        "packages": dict(sorted(versions.items())),
        "inputs": {str(sequence): {"sha256": sha256(file)} for sequence, file in exam.images.items()},
        "inspection": inspection,
        "steps": [record.document() for record in ledger.records.values()],
    }
    write_json(path, document)
