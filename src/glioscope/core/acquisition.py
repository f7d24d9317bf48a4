"""Which attributes of an acquisition may be kept: an explicit list, so that nothing personal passes by being unknown."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["ACQUISITION_ATTRIBUTES", "acquisition_attributes"]

ACQUISITION_ATTRIBUTES = frozenset(
    {
        "AcquisitionContrast",
        "AcquisitionMatrixPE",
        "BaseResolution",
        "ConversionSoftware",
        "ConversionSoftwareVersion",
        "EchoNumber",
        "EchoTime",
        "EchoTrainLength",
        "FlipAngle",
        "ImageOrientationPatientDICOM",
        "ImageType",
        "InPlanePhaseEncodingDirectionDICOM",
        "InversionTime",
        "MRAcquisitionType",
        "MagneticFieldStrength",
        "Manufacturer",
        "ManufacturerModelName",
        "ManufacturersModelName",
        "Modality",
        "NumberOfAverages",
        "ParallelReductionFactorInPlane",
        "PartialFourier",
        "PercentPhaseFOV",
        "PercentSampling",
        "PhaseEncodingAxis",
        "PhaseEncodingDirection",
        "PixelBandwidth",
        "ReconMatrixPE",
        "RepetitionTime",
        "ScanOptions",
        "ScanningSequence",
        "SequenceVariant",
        "SliceThickness",
        "SpacingBetweenSlices",
    }
)
"""Physics and hardware only: no date, time, UID, name, number, institution, operator, serial number, or free text. Series
descriptions and protocol names are free text, so they are judged and then left behind."""

_CODED = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/+-]{0,39}")


def _coded(value: object) -> Any:  # noqa: ANN401
    """`value` where it is a finite number, a short coded string, or a list of those; else None."""
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return value if _CODED.fullmatch(value) else None
    if isinstance(value, list | tuple) and len(value) <= 64:
        kept = [_coded(v) for v in value]
        return kept if all(v is not None and not isinstance(v, list) for v in kept) else None
    return None


def acquisition_attributes(document: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of `document` that are on the list and hold numbers or short codes, sorted by name.

    A contrast agent's name is free text: only that one was given is kept, as `ContrastAgentGiven`.
    """
    kept = {k: v for k in sorted(ACQUISITION_ATTRIBUTES & set(document)) if (v := _coded(document[k])) is not None}
    agents = [str(document.get(k) or "").strip().lower() for k in ("ContrastBolusAgent", "ContrastBolusIngredient")]
    if any(agent not in ("", "no", "none", "n", "0") for agent in agents) or document.get("ContrastAgentGiven") is True:
        kept["ContrastAgentGiven"] = True
    return kept
