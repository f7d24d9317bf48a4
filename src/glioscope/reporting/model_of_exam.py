"""From the JSON documents of an exam to its report."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from typing import Any

from glioscope.core import Sequence as MRISequence
from glioscope.core import get_scheme
from glioscope.reporting.evidence import evidence_sections
from glioscope.reporting.lesions import interval_words, lesion_section, structures_section
from glioscope.reporting.model import Key, Level, Picture, ReportModel, Section, Table
from glioscope.reporting.outlines import REGION_TITLES, outlines, region_title
from glioscope.reporting.processing import processing_section
from glioscope.reporting.surgery_section import surgery_section

__all__ = ["model_of_exam"]

Document = Mapping[str, Any]

_LEVELS: Mapping[str, Level] = {"good": "good", "usable with caution": "caution", "not to be trusted": "warning"}
_SEVERITIES: Mapping[str, Level] = {"info": "info", "caution": "caution", "warning": "warning"}
_NONE = "–"


def model_of_exam(
    inspection: Document,
    measurements: Document,
    quality: Document,
    provenance: Sequence[Document],
    pictures: Mapping[str, bytes],
) -> ReportModel:
    """The report of one exam, from documents alone.

    Args:
        inspection: Which file is which sequence and why.
        measurements: Volumes, diameters, location; with `exam`, `segmenter` and `space`.
        quality: Verdict and remarks, and the evidence of several raters where there is any.
        provenance: The steps that led to the measurements, without their seconds.
        pictures: `overview`, `montage` and `surgery` as PNG, any may be absent.
    """
    space = "on its own grid" if measurements["space"] == "orig" else f"in {measurements['space']}"
    return ReportModel(
        title=f"Brain tumour report: {measurements['exam']}",
        subtitle=f"Segmented by {measurements['segmenter']} {space}; labels {measurements['scheme']}; "
        "measured in the patient's own space",
        verdict=quality["verdict"],
        level=_LEVELS[quality["verdict"]],
        reasons=tuple((_SEVERITIES[r["severity"]], r["sentence"]) for r in quality["remarks"]),
        keys=tuple(_keys(measurements)),
        sections=tuple(
            section
            for section in (
                _figure("Overview", pictures.get("overview"), _OVERVIEW, measurements),
                _measurements(measurements),
                lesion_section(measurements),
                _location(measurements["location"]),
                structures_section(measurements),
                surgery_section(quality.get("surgery"), pictures.get("surgery"), measurements["segmenter"]),
                *evidence_sections(quality),
                _figure("Axial slices across the tumour", pictures.get("montage"), _MONTAGE, measurements),
                _decisions(inspection),
                processing_section(provenance),
                _definitions(measurements),
            )
            if section
        ),
        producer=f"Glioscope {importlib.metadata.version('glioscope')}",
    )


def _ml(value: float) -> str:
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _mm(value: float | None) -> str:
    return _NONE if value is None else f"{value:.0f}"


def _keys(measurements: Document) -> list[Key]:
    scheme = get_scheme(measurements["scheme"])
    keys = []
    for outline in outlines(scheme):
        found = measurements["regions"].get(outline.region) or measurements["labels"].get(outline.region)
        if found:
            keys.append(Key(outline.title, f"{_ml(found['volume_ml'])} ml", outline.colour))
    region, share = _main(measurements["location"])
    if share and share["side"]:
        lobes = _lobes(share, 1)
        words = lobes if lobes.startswith(share["side"]) else f"{share['side']}, {lobes}" if lobes else share["side"]
        keys.append(Key(f"Location of {region}", words[:1].upper() + words[1:]))
    return keys


def _main(location: Document) -> tuple[str, Document | None]:
    """The region that a location is told for in a word: the tumour core, else the largest."""
    regions = location["regions"]
    name = next((r for r in ("TC", "WT", *regions) if regions.get(r, {}).get("side")), "")
    return name, regions.get(name)


_OVERVIEW = "Planes through the middle of the {region} in the axial slice of its largest area"
_MONTAGE = "Axial slices evenly spaced across the height of the segmentation"


def _figure(title: str, png: bytes | None, caption: str, measurements: Document) -> Section | None:
    if not png:
        return None
    if not any(region["volume_ml"] for region in measurements["regions"].values()):
        title, caption = title.removesuffix(" across the tumour"), "No tumour was found; slices through the middle of the brain"
    regions = measurements["regions"]
    main = next((r for r in ("TC", "WT", *regions) if regions.get(r, {}).get("volume_ml")), "the brain")
    words = caption.format(region=REGION_TITLES.get(main, main).lower())
    side = "Radiological convention: the patient's right (R) is on the left. Native grid, coordinates in mm (RAS)."
    return Section(title, pictures=(Picture(png, f"{words}. {side}", f"{title}: {words.lower()}, regions outlined."),))


def _measurements(measurements: Document) -> Section:
    rows = []
    for name, region in measurements["regions"].items():
        extent = region["extent_mm"]
        axial = region["axial_diameter_mm"]
        rows.append(
            (
                region_title(name),
                _ml(region["volume_ml"]) + interval_words(region.get("volume_interval_ml")),
                _mm(region["feret_diameter_mm"]),
                _NONE if axial is None else f"{axial:.0f} × {region['axial_perpendicular_diameter_mm']:.0f}",
                " × ".join(f"{v:.0f}" for v in extent) if extent else _NONE,
                str(region["lesion_count"]),
            )
        )
    columns = ("Region", "Volume ml", "3-D diameter mm", "Axial diameters mm", "Extent LR, PA, FH mm", "Lesions")
    table = Table(columns, tuple(rows), (0.22, 0.18, 0.14, 0.17, 0.2, 0.09), frozenset(range(1, 6)))
    unknown = ", ".join(REGION_TITLES.get(name, name).lower() for name in measurements["not_determined"])
    labels = "; ".join(
        f"{name} {_ml(v['volume_ml'])}{interval_words(v.get('volume_interval_ml'))} ml, {v['meaning']}"
        for name, v in measurements["labels"].items()
    )
    brain = measurements["brain_volume_ml"]
    spacing = " × ".join(f"{s:.2f}" for s in measurements["voxel_spacing_mm"])
    note = f"Labels: {labels}. " if labels else f"This segmenter cannot tell: {unknown}. "
    if "volume_intervals" in measurements:
        told = measurements["volume_intervals"]
        note += f"{told['source']} "
        if _has_interval(measurements):
            note += f"In brackets: {_interval_note(told)} "
    note += (f"Brain {brain:.0f} ml. " if brain else "") + f"Voxels of {spacing} mm."
    return Section("Measurements", (note,), (table,))


def _interval_note(told: Document) -> str:
    if told.get("widened_by"):
        return f"{told['percent']} % intervals, as wide as the segmenter's errors on exams that it had not learnt from."
    return f"what they leave open ({told['percent']} %); the true volume may lie outside more often."


def _has_interval(measurements: Document) -> bool:
    return any(region.get("volume_interval_ml") for region in measurements["regions"].values())


def _lobes(share: Document, most: int) -> str:
    """The structures that hold most of a region, with percentages where several are told."""
    found = [(name, p) for name, p in share["lobes_percent"].items() if p >= 5 and name != "outside the atlas"][:most]
    return found[0][0] if found and most == 1 else ", ".join(f"{name} {p:.0f} %" for name, p in found)


def _location(location: Document) -> Section | None:
    rows = [
        (
            region_title(name),
            share["side"],
            f"{share['left_percent']:.0f} / {share['right_percent']:.0f}",
            _lobes(share, 5) or _NONE,
        )
        for name, share in location["regions"].items()
        if share["side"]
    ]
    if not rows:
        return None
    columns = ("Region", "Side", "Left / right %", "Structures, from 5 % of the region")
    note = f"{location['side_source']} {location['lobe_source']}"
    return Section("Location", (note,), (Table(columns, tuple(rows), (0.3, 0.08, 0.14, 0.48)),))


def _decisions(inspection: Document) -> Section:
    candidates = inspection.get("candidates", [])
    chosen = inspection.get("chosen", {})
    rows = []
    used = set()
    for sequence in MRISequence:
        name = chosen.get(sequence.value)
        if name is None:
            continue
        used.add(name)
        found: Document = next((c for c in candidates if c["name"] == name), {})
        shape, spacing = found.get("shape") or (), found.get("spacing_mm") or ()
        rows.append(
            (
                sequence.display_name + (" (reference)" if inspection.get("reference") == sequence.value else ""),
                name,
                f"{found.get('reason', '')} ({found.get('confidence', 0):.0%})",
                " × ".join(map(str, shape)),
                " × ".join(f"{s:.2f}" for s in spacing),
            )
        )
    columns = ("Sequence", "File", "Why", "Voxels", "Spacing mm")
    tables = [Table(columns, tuple(rows), (0.17, 0.29, 0.21, 0.16, 0.17))]
    others = [(c["name"], c.get("set_aside") or c.get("reason") or "not chosen") for c in candidates if c["name"] not in used]
    if others:
        tables.append(Table(("Left out", "Why"), tuple(others), (0.45, 0.55)))
    missing = [MRISequence(s).display_name for s in inspection.get("missing", [])]
    notes = [f"Missing: {', '.join(missing)}."] if missing else []
    if inspection.get("prepared"):
        notes.append("The exam came skull-stripped on one grid and was taken as it is.")
    return Section("Which file is which sequence", (*notes, *inspection.get("warnings", ())), tuple(tables), fine=True)


def _definitions(measurements: Document) -> Section:
    sentences = tuple(f"{name}: {meaning}" for name, meaning in measurements["definitions"].items())
    if "rano" in measurements:
        sentences += (f"RANO: {measurements['rano']['edition']}; " + "; ".join(measurements["rano"]["rules"]) + ".",)
        sentences += (f"Foci: {measurements['foci']['rule']}",) if measurements["foci"] else ()
    if "rule" in measurements.get("resectability", {}):
        sentences += (f"Resectability: {measurements['resectability']['rule']}",)
    return Section("Definitions", sentences, fine=True)
