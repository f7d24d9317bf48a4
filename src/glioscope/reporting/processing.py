"""The steps that led to a result, in the order in which they build on each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    """A table of steps with their settings, versions and the start of their outputs' SHA-256."""
    rows = []
    for step in provenance:
        settings = ", ".join(f"{k} {_short(v)}" for k, v in step["parameters"].items() if _short(v))
        versions = ", ".join(f"{name} {version}" for name, version in step["versions"].items() if name != "glioscope")
        outputs = ", ".join(f"{name} {checksum[:8]}" for name, checksum in step["outputs"].items())
        rows.append((step["name"], settings or "–", versions or "–", outputs))
    if not rows:
        return None
    table = Table(("Step", "Settings", "With", "Output, start of SHA-256"), tuple(rows), (0.18, 0.3, 0.2, 0.32))
    return Section("Processing", ("Whole checksums, and those of the inputs, are in provenance.json.",), (table,), fine=True)


def _short(value: Any) -> str:  # noqa: ANN401
    """A setting in a few words; nothing for nested values."""
    if value is None or isinstance(value, Mapping):
        return ""
    if isinstance(value, list | tuple):
        return " ".join(map(str, value)) if len(value) <= 4 else ""
    return str(value)
