"""The part of a report that says what is left after surgery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glioscope.core import bids_name
from glioscope.reporting.model import Picture, Section, Table
from glioscope.reporting.outlines import REGION_TITLES

__all__ = ["surgery_section", "surgery_sentences"]

Document = Mapping[str, Any]

_PICTURE = (
    "Native T1, contrast T1 and their difference in axial slices, the enhancing label outlined, and inside it what is bright "
    "on native T1 already (blood, not enhancement). The patient's right (R) is on the left."
)


def surgery_section(document: Document | None, png: bytes | None = None, segmenter: str | None = None) -> Section | None:
    """What `glioscope surgery` found, with its picture; None where it was not asked.

    Args:
        document: Of `glioscope surgery`.
        png: The subtraction.
        segmenter: Whose label map the rest of the report measures; another's is named.
    """
    if not document:
        return None
    rows = tuple(surgery_sentences(document))
    notes = [*document["rano_resect"]["notes"], document["residual"].get("note", "")]
    notes += [extent["note"] for extent in (document["extent"] or {}).values()]
    paragraph = " ".join(dict.fromkeys(note for note in notes if note))
    told = (
        "A suggestion to be confirmed against the images and the operation report; the cut and the classes are meant for newly "
        "diagnosed glioblastoma, imaged within 72 hours of surgery. "
    )
    if segmenter is not None and f"_seg-{bids_name(segmenter)}_" not in document["after"]:
        told = f"Of '{document['after']}', not of the label map that is measured above. {told}"
    pictures = (Picture(png, _PICTURE, "T1 before and after contrast, and their difference."),) if png else ()
    table = Table(("After surgery", "Found"), rows, (0.32, 0.68))
    return Section("After surgery", (told + paragraph,), (table,), pictures)


def surgery_sentences(document: Document) -> list[tuple[str, str]]:
    """Pairs of a question and its answer in words, with units."""
    residual = document["residual"]
    title = REGION_TITLES.get(document["region"], document["region"])
    rows = [
        (
            f"{title} left",
            f"{residual['volume_ml']:.3f} ml: {residual['verdict']} (residual from {residual['cut_ml']:g} ml on)",
        )
    ]
    if residual["probability_residual_tumour"] is not None:
        chance = residual["probability_residual_tumour"]
        model = residual["models"][0]
        measured = model.get("measured_on")
        how = f"as it came true on {measured}" if measured else f"model: {residual['model']}"
        rows.append(
            (
                "Probability",
                f"residual tumour {_percent(chance)}, gross total resection {_percent(1 - chance)} "
                f"({how}; {model['low_ml']:.2f} to {model['high_ml']:.2f} ml)",
            )
        )
    for region, extent in (document["extent"] or {}).items():
        share = "not defined" if extent["extent_percent"] is None else f"{extent['extent_percent']:.1f} %"
        words = f"{share} ({extent['before_ml']:.2f} ml before, {extent['after_ml']:.2f} ml after)"
        rows.append((f"Extent of resection, {REGION_TITLES.get(region, region).lower()}", words))
    if document["cavity_ml"] is not None:
        rows.append(("Resection cavity", f"{document['cavity_ml']:.2f} ml"))
    resect = document["rano_resect"]
    code = f"class {resect['class']}: " if resect["class"] else ""
    rows.append(("RANO resect, 2023", f"{code}{resect['name']}"))
    if document["blood"]:
        blood = document["blood"]
        without = blood["without_bright"]
        words = (
            f"{blood['bright_on_t1n_ml']:.3f} ml of the enhancing label ({blood['bright_on_t1n_percent']:.0f} %), perhaps "
            f"blood; without it {without['volume_ml']:.3f} ml: {without['verdict']}"
        )
        rows.append(("Bright on native T1", words if blood["bright_on_t1n_ml"] else "nothing of the enhancing label"))
    return rows


def _percent(share: float) -> str:
    """Whole percentages that never say never or always: a map of probabilities rounds to 0 and 1, and no model is certain."""
    return "less than 1 %" if share < 0.01 else "more than 99 %" if share > 0.99 else f"{100 * share:.0f} %"
