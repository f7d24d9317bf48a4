"""What the measurement report calls its numbers: standard codes where there are any, else private ones that say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from glioscope.dicom.codes import Code, private

__all__ = ["INTERVAL_LEVEL", "LOWER_UNCERTAINTY", "ML", "QUANTITIES", "RANO", "UPPER_UNCERTAINTY", "Quantity", "focality"]


@dataclass(frozen=True)
class Quantity:
    """What is measured, in which unit (UCUM), and how it was obtained."""

    name: Code
    unit: Code
    method: Code | None = None


ML = Code("ml", "UCUM", "milliliter")
_MM, _MM2 = Code("mm", "UCUM", "millimeter"), Code("mm2", "UCUM", "square millimeter")
_PERCENT, _LESIONS = Code("%", "UCUM", "percent"), Code("{lesions}", "UCUM", "lesions")
_VOXELS = Code("126030", "DCM", "Sum of segmented voxel method for volume")
RANO = Code("C114879", "NCIt", "RANO")

UPPER_UNCERTAINTY = Code("371886008", "SCT", "+, range of upper measurement uncertainty")
LOWER_UNCERTAINTY = Code("371885007", "SCT", "-, range of lower measurement uncertainty")
"""Of context group 225: how far an interval reaches above and below the measured value."""

QUANTITIES: Mapping[str, Quantity] = {
    "volume_ml": Quantity(Code("118565006", "SCT", "Volume"), ML, _VOXELS),
    "axial_diameter_mm": Quantity(Code("103339001", "SCT", "Long axis"), _MM),
    "axial_perpendicular_diameter_mm": Quantity(Code("103340004", "SCT", "Short axis"), _MM),
    "feret_diameter_mm": Quantity(Code("L0JK", "IBSI", "Maximum 3D Diameter of a Mesh"), _MM),
    "lesion_count": Quantity(Code("246206008", "SCT", "Number of lesions"), _LESIONS),
    "measurable_count": Quantity(private("MEASURABLE", "Number of measurable lesions"), _LESIONS),
    "product_mm2": Quantity(private("PRODUCT", "Product of long axis and short axis"), _MM2),
    "sum_of_products_mm2": Quantity(private("SUMPRODUCTS", "Sum of products of diameters of measurable lesions"), _MM2),
    "residual_ml": Quantity(private("RESIDUALVOLUME", "Residual volume after surgery"), ML, _VOXELS),
    "cut_ml": Quantity(private("CUT", "Volume from which on there is residual tumor"), ML),
    "residual_percent": Quantity(private("PRESIDUAL", "Probability of residual tumor"), _PERCENT),
    "gross_total_percent": Quantity(private("PGTR", "Probability of gross total resection"), _PERCENT),
    "extent_percent": Quantity(private("EOR", "Extent of resection"), _PERCENT),
    "before_ml": Quantity(private("BEFORE", "Volume before surgery"), ML, _VOXELS),
    "after_ml": Quantity(private("AFTER", "Volume after surgery"), ML, _VOXELS),
}
"""Name in `measurements.json` or of what `glioscope surgery` found -> what it is called in the report."""

INTERVAL_LEVEL = private("INTERVAL", "Level of the volume's interval")

_FOCALITY = private("FOCALITY", "Foci of the tumor")
_FOCALITIES: Mapping[str, Code] = {
    "none": private("NOFOCUS", "No focus"),
    "single": private("SINGLE", "Single focus"),
    "multifocal": Code("524008", "SCT", "Multifocal"),
    "multicentric": private("MULTICENTRIC", "Multicentric"),
}


def focality(kind: str) -> tuple[Code, Code]:
    """Question and answer: how the foci of a tumour lie, one of the words of `glioscope.measurement.Multifocality`."""
    return _FOCALITY, _FOCALITIES[kind]
