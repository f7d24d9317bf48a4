"""The parts of a report that tell of single lesions: RANO, foci, surroundings, tracts and resectability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from glioscope.core.counting import are, counted
from glioscope.reporting.model import Section, Table
from glioscope.reporting.outlines import REGION_TITLES, region_title

__all__ = ["foci_words", "interval_words", "lesion_section", "main_region", "rano_words", "structures_section"]

MOST_LESIONS = 8
MOST_STRUCTURES = 6
_NONE = "–"
_KINDS = {"enhancing": "Enhancing disease", "t2_flair": "T2/FLAIR abnormality"}

Document = Mapping[str, Any]


def interval_words(interval: Sequence[float] | None) -> str:
    """An interval in brackets behind a volume, such as ` (30.1–36.2)`; empty without one."""
    if not interval:
        return ""
    return " (" + "–".join(f"{v:.1f}" if v >= 10 else f"{v:.2f}" for v in interval) + ")"


def main_region(measurements: Document) -> str | None:
    """The region whose lesions are listed: that of the foci, while it has any, else the largest that is not empty."""
    lesions = measurements["lesions"]
    named = (measurements["foci"] or {}).get("region")
    return next((name for name in (named, *lesions) if name and lesions.get(name)), None)


def rano_words(rano: Document) -> list[str]:
    """One sentence for enhancing disease and one for the T2/FLAIR abnormality, as far as they are known."""
    words = []
    for kind, title in _KINDS.items():
        if kind not in rano:
            continue
        disease = rano[kind]
        total = len(disease["lesions"])
        if not total:
            words.append(f"{title} ({disease['region']}): none.")
            continue
        count = f"{disease['measurable_count']} of {total} lesions measurable" if total > 1 else "the lesion is measurable"
        if total == 1 and not disease["measurable_count"]:
            count = f"the lesion is not measurable ({disease['lesions'][0]['why_not']})"
        beside = any(lesion["beside_cavity"] for lesion in disease["lesions"])
        aside = " Beside a cavity a reader measures the solid nodule alone." if beside else ""
        words.append(
            f"{title} ({disease['region']}): sum of products of diameters {disease['sum_of_products_mm2']:.0f} mm²; "
            f"{count}.{aside}"
        )
    return words


def foci_words(foci: Document | None) -> str:
    """Number of foci, how they lie to each other, and the distances of the satellites."""
    if not foci or not foci["count"]:
        return ""
    if foci["count"] == 1:
        return f"One focus ({foci['region']})."
    near, far = foci["nearest_satellite_mm"], foci["farthest_satellite_mm"]
    apart = f"{near:.0f} mm" if foci["count"] == 2 else f"{near:.0f} to {far:.0f} mm"
    return f"{foci['count']} foci ({foci['region']}), {foci['multifocality']}; from the largest to the others {apart}."


def _mm(value: float | None) -> str:
    return _NONE if value is None else f"{value:.0f}"


def lesion_section(measurements: Document) -> Section | None:
    """Diameters, foci and surroundings of each lesion; None for measurements without lesions."""
    if "lesions" not in measurements:
        return None
    region = main_region(measurements)
    if region is None:
        return None
    rows = []
    for lesion in measurements["lesions"][region][:MOST_LESIONS]:
        place = lesion["location"] or {}
        where = ", ".join(filter(None, (place.get("side"), place.get("main_lobe"))))
        if place.get("main_lobe") and place["main_lobe"].startswith(str(place.get("side"))):
            where = place["main_lobe"]
        rows.append(
            (
                str(lesion["number"]),
                f"{lesion['volume_ml']:.2f}" + interval_words(lesion["volume_interval_ml"]),
                f"{lesion['axial_diameter_mm']:.0f} × {lesion['axial_perpendicular_diameter_mm']:.0f}",
                f"{lesion['axial_product_mm2']:.0f}",
                _mm(lesion["feret_diameter_mm"]),
                where + (", crosses the midline" if place.get("crosses_midline") else "") or _NONE,
                _mm(place.get("depth_of_centre_mm")),
                _mm(place.get("distance_to_ventricles_mm")),
                _mm(lesion.get("satellite_distance_mm")),
            )
        )
    columns = ("No", "Volume ml", "Axial mm", "Product mm²", "3-D mm", "Where", "Depth mm", "To ventricle mm", "To largest mm")
    widths = (0.04, 0.18, 0.1, 0.09, 0.06, 0.21, 0.07, 0.14, 0.11)
    table = Table(columns, tuple(rows), widths, frozenset({1, 2, 3, 4, 6, 7, 8}))
    more = len(measurements["lesions"][region]) - len(rows)
    notes = [f"{counted(more, 'smaller one')} {are(more)} not shown."] if more else []
    notes += [words for words in (foci_words(measurements["foci"]),) if words]
    notes += [f"By {measurements['rano']['edition'].split(' (')[0]}: " + " ".join(rano_words(measurements["rano"]))]
    notes += [words for words in (measurements["location"].get("surroundings_source", ""),) if words]
    return Section(f"Lesions of the {region_title(region)[:1].lower()}{region_title(region)[1:]}", (" ".join(notes),), (table,))


def structures_section(measurements: Document) -> Section | None:
    """Tracts, cortical regions, expected residual volume; a sentence where they are absent."""
    if "structures" not in measurements or main_region(measurements) is None:
        return None
    structures, surgery = measurements["structures"], measurements["resectability"]
    region = str(main_region(measurements))
    named = REGION_TITLES.get(region, region)
    notes, tables = [], []
    if "regions" in surgery and region in surgery["regions"]:
        found = surgery["regions"][region]
        notes.append(
            f"{named}: expected residual volume {found['expected_residual_ml']:.1f} ml, resectability index "
            f"{found['resectability_index']:.2f} ({found['map']}-sided map; no record for "
            f"{found['without_record_percent']:.0f} %)."
        )
    elif "regions" not in surgery:
        notes.append(surgery["source"])
    if "tracts" in structures:
        lists = [("Tracts", structures["tracts"].get(region, []))]
        lists += [(name, found.get(region, [])) for name, found in structures["cortex"].items()]
        rows = [
            (title, ", ".join(f"{o['name']} {o['percent']:.0f} %" for o in found[:MOST_STRUCTURES]) or "none")
            for title, found in lists
        ]
        tables.append(
            Table(("Maps", f"Percent of the {named.lower()} in a structure, the largest first"), tuple(rows), (0.2, 0.8))
        )
    notes.append(structures["source"])
    return Section("Structures and resectability", (" ".join(notes),), tuple(tables))
