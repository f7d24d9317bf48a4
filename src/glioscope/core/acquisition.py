"""Which attributes of an acquisition may be kept: an explicit list, so that nothing personal passes by being unknown."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from glioscope.core.vocabulary import allowed_term, allowed_words

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

_WORDED = frozenset({"ConversionSoftware", "Manufacturer", "ManufacturerModelName", "ManufacturersModelName"})
"""Of these the known words stay, of all others only strings that are known as a whole."""

_PATTERNS: Mapping[str, re.Pattern[str]] = {
    "PhaseEncodingDirection": re.compile(r"[ijk]-?"),
    "PhaseEncodingAxis": re.compile(r"[ijk]"),
    "ConversionSoftwareVersion": re.compile(r"v\d\.\d\.20\d{6}"),  # dcm2niix's, as it writes it
}
MOST_CHARACTERS, MOST_VALUES = 40, 64


def _number(value: object) -> bool:
    return isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))


def _text(name: str, value: str) -> str | None:
    """What may stay of a string: it may be a patient's name, wherever it stands."""
    if len(value) > MOST_CHARACTERS:
        return None
    if name in _PATTERNS:
        return value if _PATTERNS[name].fullmatch(value) else None
    if name in _WORDED:
        return allowed_words(value) or None
    return value if allowed_term(value) else None


def _kept(name: str, value: object) -> Any:  # noqa: ANN401
    """What may stay of a value or of a list of values; None where nothing may."""
    if isinstance(value, list | tuple):
        if len(value) > MOST_VALUES or not all(_number(v) or isinstance(v, str) for v in value):
            return None
        kept = [_text(name, v) if isinstance(v, str) else v for v in value]
        if name == "ImageType":  # whose values go by their places
            kept = ["OTHER" if v is None else v for v in kept]
        return [v for v in kept if v is not None] or None
    if isinstance(value, str):
        return _text(name, value)
    return value if _number(value) else None


def acquisition_attributes(document: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of `document` that are on the list, as far as they are numbers or known values, sorted by name.

    A string stays if it is a value that acquisitions are known to have (`glioscope.core.vocabulary`), of a maker or model its
    known words; in `ImageType` another one becomes `OTHER`. So a name that was typed in such a place does not pass.
    A contrast agent's name is free text: only that one was given is kept, as `ContrastAgentGiven`.
    """
    kept = {k: v for k in sorted(ACQUISITION_ATTRIBUTES & set(document)) if (v := _kept(k, document[k])) is not None}
    agents = [str(document.get(k) or "").strip().lower() for k in ("ContrastBolusAgent", "ContrastBolusIngredient")]
    if any(agent not in ("", "no", "none", "n", "0") for agent in agents) or document.get("ContrastAgentGiven") is True:
        kept["ContrastAgentGiven"] = True
    return kept
