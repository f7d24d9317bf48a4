"""Numbers of a measurement report that belong to no segment: RANO's lesions and sums, and what is left after surgery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glioscope.core import Scheme
from glioscope.dicom.codes import Code, private, segments_of
from glioscope.dicom.quantities import RANO

__all__ = ["Finding", "rano_findings", "surgery_findings"]


@dataclass(frozen=True)
class Finding:
    """One group of measurements (TID 1501).

    Attributes:
        identifier: What the group is called, unique in its report.
        type: What was measured.
        values: Names of `QUANTITIES` -> number.
        evaluations: Pairs of a coded question and its coded answer.
        method: By which rules.
    """

    identifier: str
    type: Code
    values: Mapping[str, float]
    evaluations: tuple[tuple[Code, Code], ...] = ()
    method: Code | None = None


_EDITION = private("EDITION", "Edition of the rules")
_RANO_2 = private("RANO2.0", "RANO 2.0 (Wen et al., J Clin Oncol 2023)")
_DISEASES = {"enhancing": "enhancing disease", "t2_flair": "T2/FLAIR disease"}

_VERDICT = private("VERDICT", "Residual tumor or gross total resection")
_VERDICTS = {
    "residual tumour": private("RESIDUAL", "Residual tumor"),
    "gross total resection": private("GTR", "Gross total resection"),
}
_MODEL = private("PMODEL", "Model of the probability")
_MODELS = {
    "nested outlines": private("NESTED", "Nested outlines of a probability map"),
    "independent voxels": private("INDEPENDENT", "Independent voxels of a probability map"),
    "raters": private("RATERS", "Share of raters"),
}
_CLASS = private("RESECT2023", "RANO resect class, edition of 2023")


def rano_findings(rano: Mapping[str, Any], scheme: Scheme) -> tuple[Finding, ...]:
    """Sum and count of the measurable lesions of each kind of disease, then each of these lesions.

    Args:
        rano: The part `rano` of what `glioscope.measurement` says.
        scheme: Of the label map.
    """
    found = []
    for kind, words in _DISEASES.items():
        if not (disease := rano.get(kind)):
            continue
        type_, edition = _types(scheme)[disease["region"]], ((_EDITION, _RANO_2),)
        totals = {name: float(disease[name]) for name in ("measurable_count", "sum_of_products_mm2")}
        found.append(Finding(f"Glioscope RANO {words}", type_, totals, edition, RANO))
        for lesion in disease["lesions"]:
            if lesion["measurable"]:
                values = {
                    "axial_diameter_mm": float(lesion["longest_mm"]),
                    "axial_perpendicular_diameter_mm": float(lesion["perpendicular_mm"]),
                    "product_mm2": float(lesion["product_mm2"]),
                }
                found.append(Finding(f"Glioscope RANO {words}, lesion {lesion['lesion']}", type_, values, edition, RANO))
    return tuple(found)


def surgery_findings(surgery: Mapping[str, Any], scheme: Scheme) -> tuple[Finding, ...]:
    """What is left, how sure that is and which class of resection it is; then the extent of resection of each region.

    An extent that is not defined (there was nothing before surgery) is left out; the two volumes are told.

    Args:
        surgery: What `glioscope surgery` found.
        scheme: Of the label map after surgery.
    """
    residual, resect, types = surgery["residual"], surgery["rano_resect"], _types(scheme)
    values = {"residual_ml": float(residual["volume_ml"]), "cut_ml": float(residual["cut_ml"])}
    answers = [(_VERDICT, _VERDICTS[residual["verdict"]])]
    chance = residual["probability_residual_tumour"]
    if chance is not None:
        values |= {"residual_percent": round(100 * chance, 2), "gross_total_percent": round(100 * (1 - chance), 2)}
        answers.append((_MODEL, _MODELS[residual["model"]]))
    if resect["class"]:
        value = "CLASS" + resect["class"].replace(" ", "")
        answers.append((_CLASS, private(value, f"{resect['class']}: {resect['name']}")))
    found = [Finding("Glioscope after surgery", types[surgery["region"]], values, tuple(answers))]
    for region, extent in (surgery["extent"] or {}).items():
        told = {name: float(extent[name]) for name in ("extent_percent", "before_ml", "after_ml") if extent[name] is not None}
        found.append(Finding(f"Glioscope extent of resection {region}", types[region], told))
    return tuple(found)


def _types(scheme: Scheme) -> dict[str, Code]:
    return {segment.name: segment.type for segment in segments_of(scheme, regions=True)}
