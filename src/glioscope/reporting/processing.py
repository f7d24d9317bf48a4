"""The steps that led to a result, in the order in which they build on each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from glioscope.reporting.model import Section, Table

__all__ = ["lineage", "processing_section"]

Document = Mapping[str, Any]


def lineage(records: Iterable[Document], checksums: Iterable[str]) -> list[dict[str, Any]]:
    """The records that led to the files with these checksums, each after those whose outputs it reads; seconds left out.

    Records of steps that nothing here was made from (of an earlier run with other settings) do not appear.
    """
    ordered = sorted(records, key=lambda record: str(record["name"]))
    wanted = set(checksums)
    kept: list[Document] = []
    grown = True
    while grown:
        grown = False
        for record in ordered:
            if record not in kept and wanted & set(record["outputs"].values()):
                kept.append(record)
                wanted |= set(record["inputs"].values())
                grown = True
    made = {checksum: record["name"] for record in kept for checksum in record["outputs"].values()}
    after = {r["name"]: {made[c] for c in r["inputs"].values() if c in made} - {r["name"]} for r in kept}
    out: list[dict[str, Any]] = []
    waiting = sorted(after)
    while waiting:
        name = next((n for n in waiting if not after[n] & set(waiting)), waiting[0])
        waiting.remove(name)
        record = next(r for r in kept if r["name"] == name)
        out.append({key: record[key] for key in ("name", "versions", "parameters", "inputs", "outputs")})
    return out


def processing_section(provenance: Sequence[Document]) -> Section | None:
    """A table of steps with their settings, versions and the start of their outputs' SHA-256.

    Steps that follow each other and do the same to one image each share a row, with their outputs in the same order.
    """
    rows = []
    for (kind, settings, versions, _), same in groupby(provenance, _alike):
        steps = list(same)
        name = steps[0]["name"] if len(steps) == 1 else f"{kind}: " + ", ".join(s["name"].partition("-")[2] for s in steps)
        outputs = [f"{title} {checksum[:8]}" for step in steps for title, checksum in step["outputs"].items()]
        rows.append((name, settings or "–", versions or "–", ", ".join(outputs)))
    if not rows:
        return None
    table = Table(("Step", "Settings", "With", "Output, start of SHA-256"), tuple(rows), (0.22, 0.2, 0.16, 0.42))
    return Section("Processing", ("Whole checksums, and those of the inputs, are in provenance.json.",), (table,), fine=True)


def _alike(step: Document) -> tuple[str, str, str, bool]:
    """What two steps have to share for one row: the first word of their names, settings, versions, and one output each."""
    settings = ", ".join(f"{k} {_short(v)}" for k, v in step["parameters"].items() if _short(v))
    versions = ", ".join(f"{name} {version}" for name, version in step["versions"].items() if name != "glioscope")
    of_an_image = "-" in step["name"] and len(step["outputs"]) == 1
    return step["name"].partition("-")[0] if of_an_image else step["name"], settings, versions, of_an_image


def _short(value: Any) -> str:  # noqa: ANN401
    """A setting in a few words, a checksum by its start; nothing for nested values."""
    if value is None or isinstance(value, Mapping):
        return ""
    if isinstance(value, list | tuple):
        return " ".join(map(str, value)) if len(value) <= 4 else ""
    return str(value)[:8] if re.fullmatch("[0-9a-f]{64}", str(value)) else str(value)
