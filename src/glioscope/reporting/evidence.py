"""The part of a report that shows how far the segmentation can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glioscope.core.counting import are, counted
from glioscope.reporting.model import Section, Table
from glioscope.reporting.outlines import REGION_TITLES, region_title

__all__ = ["evidence_sections"]

Document = Mapping[str, Any]


def evidence_sections(quality: Document) -> list[Section]:
    """Agreement, alarms, uncertainty and second opinion, as far as the quality document has them."""
    found = (
        _agreement(quality.get("agreement")),
        _alarms(quality.get("alarms")),
        _uncertainty(quality.get("uncertainty")),
        _opinion(quality.get("second_opinion")),
    )
    return [section for section in found if section]


def _agreement(document: Document | None) -> Section | None:
    if not document:
        return None
    names = document["raters"]
    title, told = "Agreement of the segmenters", f"{len(names)} segmenters: {', '.join(names)}."
    if document.get("problem"):
        return Section(title, (f"{told} They cannot be compared: {document['problem']}",))
    if not document["regions"]:
        return Section(title, (f"{told} No region is found by two of them.",))
    rows = []
    for region, found in document["regions"].items():
        volumes = found["volumes_ml"].values()
        cells = [f"{min(volumes):.1f} to {max(volumes):.1f}", f"{found['mean_dice']:.2f}", f"{100 * found['all_agree']:.0f} %"]
        if len(names) > 2:
            cells.append(f"{found['lowest_dice']:.2f} ({' / '.join(found['lowest_pair'])})" if len(volumes) > 2 else "–")
        rows.append((region_title(region), *cells))
    columns = ("Region", "Volume ml", "Dice, mean of pairs", "All agree", "Dice, lowest pair")[: len(rows[0])]
    widths = (0.28, 0.16, 0.18, 0.1, 0.28)[: len(columns)]
    agreement = Table(columns, tuple(rows), tuple(w / sum(widths) for w in widths), frozenset(range(1, len(columns))))
    note = (
        "Dice: how far two outlines overlap, from 0 to 1; experts reach 0.74 to 0.85. All agree: the share of what any of them "
        "marks that all of them mark."
    )
    return Section(title, (f"{told} {note}",), (agreement, _volumes(document)))


def _volumes(document: Document) -> Table:
    """Every segmenter's volumes of the regions that are compared."""
    regions = document["regions"]
    found = [[regions[region]["volumes_ml"].get(name) for region in regions] for name in document["raters"]]
    rows = [
        (name, *("–" if ml is None else f"{ml:.1f}" for ml in volumes))
        for name, volumes in zip(document["raters"], found, strict=True)
    ]
    share = 0.72 / len(regions)
    columns = ("Segmenter", *(f"{region} ml" for region in regions))
    return Table(columns, tuple(rows), (0.28, *[share] * len(regions)), frozenset(range(1, len(columns))))


_ALARM = (
    "An alarm: a rater (whoever made a label map) is less like the fusion of all raters than is usual for it in the "
    "calibration cohort; alpha: how far below the usual, in median absolute deviations, alarms begin."
)


def _alarms(document: Document | None) -> Section | None:
    if not document:
        return None
    rows = []
    for alarm in document["alarms"]:
        value, threshold = alarm["value"], alarm["threshold"]
        unit = f" {alarm['unit']}".rstrip()
        told = "one without the other" if value is None else f"{value:.3g}{unit}"
        limit = "–" if threshold is None else f"{threshold:.3g}{unit}"
        rows.append((alarm["rater"], alarm["region"], alarm["metric_title"], told, limit))
    most = 12
    notes = [document["paragraph"], _ALARM] + (
        [f"{counted(len(rows) - most, 'more alarm')} {are(len(rows) - most)} in quality.json."] if len(rows) > most else []
    )
    columns = ("Rater", "Region", "Similarity to the fusion", "Here", "Threshold")
    table = Table(columns, tuple(rows[:most]), (0.28, 0.14, 0.26, 0.18, 0.14), frozenset({3, 4}))
    return Section("Alarms of the ensemble", tuple(notes), (table,) if rows else ())


def _uncertainty(document: Document | None) -> Section | None:
    if not document or not document["regions"]:
        return None
    rows = [
        (
            region_title(region),
            str(found["members"]),
            _bits(found["mean_entropy"]),
            _bits(found["mean_mutual_information"]),
            f"{found['volume_ml']:.1f}",
            f"{found['uncertain_ml']:.1f}",
        )
        for region, found in sorted(document["regions"].items(), key=lambda item: _place(item[0]))
    ]
    columns = ("Region", "Maps", "Entropy, bit", "Contradiction, bit", "Volume ml", "Uncertain ml")
    note = (
        "Entropy: mean over the region, 0 sure, 1 a toss-up; contradiction: the part of it in which the maps differ. "
        "Uncertain: what has an entropy of half a bit or more."
    )
    table = Table(columns, tuple(rows), (0.3, 0.1, 0.15, 0.17, 0.13, 0.15), frozenset(range(1, 6)))
    curves = document.get("calibration", {})
    errors = ", ".join(f"{name} {curve['expected_calibration_error']:.3f}" for name, curve in curves.items())
    meaning = "the mean gap between a stated probability and how often it is right, 0 at best"
    return Section("Uncertainty", (note, *([f"Expected calibration error ({meaning}): {errors}."] if errors else [])), (table,))


def _place(region: str) -> tuple[int, str]:
    """Where a region comes in a list: the larger ones first."""
    names = list(REGION_TITLES)
    return (names.index(region) if region in names else len(names), region)


def _bits(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _opinion(document: Document | None) -> Section | None:
    if not document:
        return None
    rated = f"Rated: {document['rated']}. " if document.get("rated") else ""
    return Section("Second opinion", (f"{rated}{document['paragraph']} Source: {document['source']}.",))
