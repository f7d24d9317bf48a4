"""What people see of measurements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from glioscope.cli.display import DISCLAIMER
from glioscope.reporting import foci_words, interval_words, main_region, rano_words
from glioscope.workflows.measure import Measured

__all__ = ["show_measured"]

Document = Mapping[str, Any]


def show_measured(found: Measured) -> None:
    """Every exam's regions, lesions and what else was measured, and where the files are."""
    console = Console(highlight=False, soft_wrap=True)
    for exam in found.exams:
        if exam.error:
            console.print(f"[red]✗[/] [bold]{escape(exam.name)}[/]  {escape(str(exam.error))}")
            continue
        _show_exam(console, exam.document)
        for title, path in exam.files.items():
            console.print(f"    {title:<12} {escape(str(path))}")
    console.print(f"[dim]{DISCLAIMER}[/]")


def _show_exam(console: Console, document: Document) -> None:
    spacing = " x ".join(f"{s:.3g}" for s in document["voxel_spacing_mm"])
    by = f", by {document['segmenter']}" if document["segmenter"] else ""
    console.print(f"[bold]{escape(document['exam'])}[/]{escape(by)}, labels {document['scheme']}, voxels of {spacing} mm")
    console.print(_regions(document))
    labels = ", ".join(
        f"{name} {_ml(label['volume_ml'])}{interval_words(label['volume_interval_ml'])}"
        for name, label in document["labels"].items()
    )
    told = [f"Labels, ml: {labels}."] if labels else []
    told.append(document["volume_intervals"]["source"])
    told += [words for words in (foci_words(document["foci"]),) if words]
    told += [f"{document['rano']['edition'].split(' (')[0]}: {words}" for words in rano_words(document["rano"])]
    for words in told:
        console.print(f"  {escape(words)}")
    region = main_region(document)
    if region is None:
        console.print("  No tumour.")
        return
    console.print(_lesions(document["lesions"][region], region))
    _show_place(console, document, region)


def _regions(document: Document) -> Table:
    table = Table("region", pad_edge=False)
    for title in ("ml", f"{document['volume_intervals']['percent']} %", "lesions", "axial mm", "product mm²", "3-D mm"):
        table.add_column(title, justify="right")
    for name, region in document["regions"].items():
        lesions = document["lesions"][name]
        largest = lesions[0] if lesions else None
        table.add_row(
            name,
            _ml(region["volume_ml"]),
            interval_words(region["volume_interval_ml"]).strip(" ()"),
            str(region["lesion_count"]),
            f"{largest['axial_diameter_mm']:.1f} x {largest['axial_perpendicular_diameter_mm']:.1f}" if largest else "",
            f"{largest['axial_product_mm2']:.0f}" if largest else "",
            f"{largest['feret_diameter_mm']:.1f}" if largest else "",
        )
    return table


def _lesions(lesions: list[Document], region: str) -> Table:
    table = Table(f"{region} lesion", pad_edge=False)
    for title in ("ml", "axial mm", "3-D mm"):
        table.add_column(title, justify="right")
    table.add_column("where", overflow="fold")
    for title in ("depth mm", "to ventricle mm", "to largest mm"):
        table.add_column(title, justify="right")
    for lesion in lesions:
        place = lesion["location"]
        lobes = ", ".join(f"{name} {share:.0f} %" for name, share in place["lobes_percent"].items() if share >= 5)
        crosses = "; crosses the midline" if place["crosses_midline"] else ""
        table.add_row(
            str(lesion["number"]),
            _ml(lesion["volume_ml"]) + interval_words(lesion["volume_interval_ml"]),
            f"{lesion['axial_diameter_mm']:.1f} x {lesion['axial_perpendicular_diameter_mm']:.1f}",
            f"{lesion['feret_diameter_mm']:.1f}",
            f"{place['side']}{': ' + lobes if lobes else ''}{crosses}",
            _mm(place["depth_of_centre_mm"]),
            _mm(place["distance_to_ventricles_mm"]),
            _mm(lesion["satellite_distance_mm"]),
        )
    return table


def _show_place(console: Console, document: Document, region: str) -> None:
    location, structures, surgery = document["location"], document["structures"], document["resectability"]
    sources = [document.get("space_source", ""), *(location[f"{k}_source"] for k in ("side", "lobe", "surroundings"))]
    found = surgery.get("regions", {}).get(region)
    if found:
        console.print(
            f"  {region}: expected residual volume {found['expected_residual_ml']:.1f} ml, resectability index "
            f"{found['resectability_index']:.2f} ({found['map']}-sided map, no record for "
            f"{found['without_record_percent']:.0f} %)."
        )
    else:
        sources.append(surgery["source"])
    lists = {"Tracts": structures.get("tracts", {})} | dict(structures.get("cortex", {}))
    for title, by_region in lists.items():
        if by_region:
            named = ", ".join(f"{o['name']} {o['percent']:.0f} %" for o in by_region.get(region, [])[:8])
            console.print(f"  {escape(title)}: {escape(named or 'none')}.")
    console.print(f"  [dim]{escape(' '.join(filter(None, [*sources, structures['source']])))}[/]")


def _ml(value: float) -> str:
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _mm(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
