"""One sentence a metric: what the number is under given rules. It goes into every output."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["OFFICIAL_NAMES", "complete_definitions", "official_definitions"]

OFFICIAL_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "Num_TP": "tp",
        "Num_FP": "fp",
        "Num_FN": "fn",
        "Sensitivity": "sensitivity",
        "Specificity": "specificity",
        "Legacy_Dice": "dice",
        "Legacy_HD95": "hd95",
        "Legacy NSD @ 0.5": "nsd_0.5",
        "Legacy NSD @ 1.0": "nsd_1.0",
        "GT_Complete_Volume": "reference_volume_mm3",
        "LesionWise_Score_Dice": "lesion_dice",
        "LesionWise_Score_HD95": "lesion_hd95",
        "LesionWise_Score_NSD @ 0.5": "lesion_nsd_0.5",
        "LesionWise_Score_NSD @ 1.0": "lesion_nsd_1.0",
    }
)
"""A metric's name in the tables of the challenges' scripts -> its name here."""

_SURFACE = "marching-cubes surface elements weighted by area"


def _frozen(definitions: dict[str, str]) -> Mapping[str, str]:
    return MappingProxyType(definitions)


def official_definitions(year: int, penalty: str, *, counts_false_positives: bool = True) -> Mapping[str, str]:
    """Definitions of what the scripts of `year` (2023 or 2024) compute, quirks included."""
    numbered = year == 2024
    over = "reference lesions above the smallest volume" + (" and false positives" if counts_false_positives else "")
    source = "the maps with small predicted lesions removed" if numbered else "the maps"
    on = "on the maps of lesion numbers, not on the mask" if numbered else "on the masks"
    found = {
        "lesion_dice": f"Mean Dice over {over}; missed and false lesions are 0; 1 where there are none.",
        "lesion_hd95": f"Mean HD95 (mm) over {over}; missed and false lesions are {penalty}; 0 where there are none.",
    }
    whole = {
        "dice": f"Dice of the whole region of {source}; 1 where both are empty.",
        "hd95": (
            f"95th percentile Hausdorff distance (mm) of the whole region, {_SURFACE}, {on}; "
            f"{penalty} where one is empty, 0 where both are."
        ),
    }
    if numbered:
        for tolerance in ("0.5", "1.0"):
            found[f"lesion_nsd_{tolerance}"] = (
                f"Mean normalised surface distance at {tolerance} mm over {over}; missed and false lesions are 0; "
                "1 where there are none."
            )
            whole[f"nsd_{tolerance}"] = (
                f"Share of border voxels within {tolerance} mm of the other's border, averaged over both directions; "
                "0 where one region is empty, 1 where both are."
            )
    rest = {
        "sensitivity": f"Reference voxels found, taken {on}; 1 where both are empty.",
        "specificity": f"Background voxels of the whole image left alone, taken {on}.",
        "tp": "Reference lesions above the smallest volume met by a predicted lesion.",
        "fp": "Predicted lesions that meet no reference lesion.",
        "fn": "Reference lesions above the smallest volume met by no predicted lesion.",
        "reference_volume_mm3": "Volume of the region in the reference (mm3).",
    }
    return _frozen(found | whole | rest)


def complete_definitions(penalty: str, *, counts_false_positives: bool = True) -> Mapping[str, str]:
    """Definitions of the complete set of numbers."""
    over = "reference lesions above the smallest volume" + (" and false positives" if counts_false_positives else "")
    definitions = {
        "lesion_dice": f"Mean Dice over {over}; missed and false lesions are 0; 1 where there are none.",
        "lesion_hd95": f"Mean HD95 (mm) over {over}; missed and false lesions are {penalty}; 0 where there are none.",
        "lesion_nsd_0.5": f"Mean NSD at 0.5 mm over {over}; missed and false lesions are 0; 1 where there are none.",
        "lesion_nsd_1.0": f"Mean NSD at 1 mm over {over}; missed and false lesions are 0; 1 where there are none.",
        "dice": "2 |P and R| / (|P| + |R|) in voxels of the whole region; 1 where both are empty.",
        "hd95": (
            f"Larger of the two directed 95th percentile surface distances (mm), {_SURFACE}; "
            f"{penalty} where one region is empty, 0 where both are."
        ),
        "nsd_0.5": "Share of both surfaces' area within 0.5 mm of the other; 0 where one region is empty, 1 where both are.",
        "nsd_1.0": "Share of both surfaces' area within 1 mm of the other; 0 where one region is empty, 1 where both are.",
        "jaccard": "|P and R| / |P or R| in voxels of the whole region; 1 where both are empty.",
        "sensitivity": "|P and R| / |R| in voxels; 1 where both are empty, absent where only the reference is.",
        "precision": "|P and R| / |P| in voxels; 1 where both are empty, absent where only the prediction is.",
        "specificity": "Share of the image's voxels outside R that P leaves out too; absent where R is the whole image.",
        "tp": "Reference lesions above the smallest volume met by a predicted lesion.",
        "fp": "Predicted lesions above the smallest volume that meet no reference lesion.",
        "fn": "Reference lesions above the smallest volume met by no predicted lesion.",
        "pq": "Panoptic quality sq x rq of 26-connected components, whatever counts as a lesion here; 1 where there are none.",
        "sq": "Mean Jaccard of the pairs of components with a Jaccard above 0.5; 1 without components, absent without a pair.",
        "rq": "Pairs of components / (pairs + half of the components left over on both sides); 1 without components.",
        "reference_volume_mm3": "Volume of the region in the reference (mm3).",
        "predicted_volume_mm3": "Volume of the region in the prediction (mm3).",
        "volume_error_mm3": "Predicted minus reference volume (mm3).",
        "volume_error_relative": "Predicted minus reference volume over reference volume; absent where the reference is empty.",
    }
    return _frozen(definitions)
