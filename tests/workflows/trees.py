"""Comparing what two runs left on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from glioscope.core.files import sha256


def _without_seconds(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: _without_seconds(value) for key, value in document.items() if key != "seconds"}
    if isinstance(document, list):
        return [_without_seconds(value) for value in document]
    return document


def fingerprint(folder: Path) -> dict[str, str]:
    """Relative path -> content of every file; of provenance and step records, everything but the seconds."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = str(path.relative_to(folder))
        timed = path.name == "provenance.json" or name.startswith(".glioscope")
        if timed and path.suffix == ".json":
            found[name] = json.dumps(_without_seconds(json.loads(path.read_text())), sort_keys=True)
        else:
            found[name] = sha256(path)
    return found
