"""What DICOM attributes (or the JSON sidecar of a converted series) say of a series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glioscope.core import Sequence
from glioscope.inspection.names import Weighting, read_name

__all__ = ["Evidence", "from_attributes", "from_name", "sidecar_attributes"]


@dataclass(frozen=True)
class Evidence:
    """Which sequence something is, how sure that is (0 to 1), the phrase that says why, and why it is none of the four."""

    sequence: Sequence | None
    confidence: float
    reason: str
    set_aside: str | None = None


_DERIVED = {
    "LOCALIZER": "localiser",
    "ADC": "derived map (ADC)",
    "EADC": "derived map (ADC)",
    "FA": "derived map (FA)",
    "TENSOR": "derived map (diffusion tensor)",
    "TRACEW": "diffusion",
    "DIFFUSION": "diffusion",
    "PERFUSION": "perfusion",
    "ASL": "perfusion",
    "CBF": "derived map (CBF)",
    "CBV": "derived map (CBV)",
    "RELCBV": "derived map (CBV)",
    "RELCBF": "derived map (CBF)",
    "MTT": "derived map (MTT)",
    "RELMTT": "derived map (MTT)",
    "TTP": "derived map (TTP)",
    "PBP": "derived map (perfusion)",
    "SUBTRACTION": "subtraction",
    "SUB": "subtraction",
    "MIP": "projection",
    "MNIP": "projection",
    "MIN IP": "projection",
    "PROJECTION IMAGE": "projection",
    "SWI": "susceptibility (T2*)",
    "P": "phase image",
    "PHASE": "phase image",
    "PHASE MAP": "phase image",
    "R": "real part",
    "I": "imaginary part",
    "T1 MAP": "parameter map",
    "T2 MAP": "parameter map",
    "SCREEN SAVE": "screen capture or report",
}
_CONTRASTS: dict[str, Weighting] = {"T1": "T1", "T2": "T2", "FLUID_ATTENUATED": "FLAIR"}
_OTHER_CONTRASTS = {
    "DIFFUSION": "diffusion",
    "PERFUSION": "perfusion",
    "T2_STAR": "susceptibility (T2*)",
    "STIR": "other contrast",
    "PROTON_DENSITY": "proton density",
    "TAGGING": "other contrast",
    "TOF": "angiography",
}
_NO_AGENT = {"", "no", "none", "n", "0", "false", "without", "nein", "kein", "na", "n/a", "no contrast"}


def _number(value: object) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if 0 < number < 1e6 else None


def _texts(value: object) -> list[str]:
    if value is None:
        return []
    return [str(v).strip() for v in value] if isinstance(value, list | tuple) else [str(value).strip()]


def _physics(attributes: Mapping[str, Any]) -> tuple[Weighting | str | None, str]:
    """Weighting from TE, TR and TI (ms), or a phrase why it is none of them; and the numbers in words."""
    te, tr, ti = (_number(attributes.get(k)) for k in ("EchoTime", "RepetitionTime", "InversionTime"))
    numbers = ", ".join(f"{n} {v:.0f} ms" for n, v in (("TR", tr), ("TE", te), ("TI", ti)) if v)
    if te is None or tr is None:
        return None, numbers
    gradient = "GR" in _texts(attributes.get("ScanningSequence")) and "SE" not in _texts(attributes.get("ScanningSequence"))
    if gradient:
        # Spoiled gradient echo: short TE; MPRAGE carries the inversion cycle (to 3 s) as its TR.
        return ("T1" if te < 8 and (tr < 60 or (ti or 0) > 500 or 1200 < tr < 3500) else None), numbers
    if ti is not None and ti < 350 and tr > 1500:
        return "other contrast", numbers  # STIR
    if ti is not None and ti >= 1500 and te >= 60 and tr >= 3500:
        return "FLAIR", numbers
    if te <= 40 and (tr <= 1300 or (ti is not None and 500 <= ti < 1500 and tr < 4000)):
        return "T1", numbers
    if te >= 60 and tr >= 1800 and ti is None:
        return "T2", numbers
    if te <= 45 and tr >= 1800 and ti is None:
        return "proton density", numbers
    return None, numbers


def _aside(attributes: Mapping[str, Any]) -> str | None:
    modality = str(attributes.get("Modality", "MR"))
    if modality != "MR":
        return f"not MR ({modality[:16]})"
    kinds = [k.upper() for k in _texts(attributes.get("ImageType"))]
    for kind in kinds[2:] or kinds:
        if kind in _DERIVED:
            return _DERIVED[kind]
    if _number(attributes.get("DiffusionBValue")):
        return "diffusion"
    contrast = str(attributes.get("AcquisitionContrast", "")).upper()
    if contrast in _OTHER_CONTRASTS:
        return _OTHER_CONTRASTS[contrast]
    if "EP" in _texts(attributes.get("ScanningSequence")):
        return "echo-planar (diffusion, perfusion or functional)"
    return None


def _agent(attributes: Mapping[str, Any]) -> bool:
    values = _texts(attributes.get("ContrastBolusAgent")) + _texts(attributes.get("ContrastBolusIngredient"))
    return any(v.lower() not in _NO_AGENT for v in values)


def _sequence(weighting: Weighting | None, contrast: bool | None) -> Sequence | None:
    if weighting == "T1":
        return Sequence.T1C if contrast else Sequence.T1N
    return None if weighting is None else Sequence.T2W if weighting == "T2" else Sequence.T2F


def from_attributes(attributes: Mapping[str, Any]) -> Evidence:
    """Judge a series by its attributes: keyword -> value as in DICOM, times in ms.

    Descriptions are read first and checked against the timing; where the two disagree the confidence is 0.4, too low to use.
    """
    described = read_name(" ".join(str(attributes.get(k, "")) for k in ("SeriesDescription",)))
    protocol = read_name(str(attributes.get("ProtocolName", "")))
    aside = _aside(attributes) or described.set_aside
    if aside is None and described.weighting is None:
        aside = protocol.set_aside
    if aside:
        return Evidence(None, 0.0, "its attributes", aside)
    words = described if described.weighting else protocol
    coded = _CONTRASTS.get(str(attributes.get("AcquisitionContrast", "")).upper())
    timing, numbers = _physics(attributes)
    source = "its description" if described.weighting else "its protocol name"

    contrast, why_contrast = described.contrast, "its description"
    if contrast is None and protocol.contrast is not None and _agent(attributes) == protocol.contrast:
        contrast, why_contrast = protocol.contrast, "its protocol name"
    if contrast is None and _agent(attributes):
        contrast, why_contrast = True, "its contrast agent entry"

    if words.weighting:
        weighting, confidence, reason = words.weighting, 0.9, source
        if timing == weighting or coded == weighting:
            confidence, reason = 0.98, f"{source} and {numbers or 'its contrast code'}"
        elif timing in ("T1", "T2", "FLAIR") and words.explicit:
            confidence, reason = 0.4, f"{source} says {weighting} but {numbers} says {timing}"
        elif timing in ("T1", "T2", "FLAIR"):
            weighting, confidence, reason = timing, 0.8, numbers  # type: ignore[assignment]
    elif coded:
        weighting, confidence, reason = coded, 0.95, "its contrast code"
    elif timing in ("T1", "T2", "FLAIR"):
        weighting, confidence, reason = timing, 0.8, numbers  # type: ignore[assignment]
    elif timing is not None:
        return Evidence(None, 0.0, numbers, str(timing))
    else:
        return Evidence(None, 0.0, "neither its description nor its timing tells")
    if weighting == "T1" and contrast:
        reason += f"; contrast from {why_contrast}"
    return Evidence(_sequence(weighting, contrast), confidence, reason)


def from_name(*names: str) -> Evidence:
    """Judge by names, the most telling first (the file, then its folders)."""
    readings = [read_name(name) for name in names]
    for i, reading in enumerate(readings):
        if reading.set_aside:
            return Evidence(None, 0.0, "its name" if i == 0 else "its folder's name", reading.set_aside)
        if reading.weighting:
            contrast = reading.contrast
            if contrast is None:
                contrast = next((r.contrast for r in readings[i:] if r.contrast is not None), None)
            sequence = _sequence(reading.weighting, contrast)
            confidence = 0.95 if reading.explicit and (contrast is not None or reading.weighting != "T1") else 0.85
            return Evidence(sequence, confidence, "its name" if i == 0 else "its folder's name")
    return Evidence(None, 0.0, "no word of its name tells")


def sidecar_attributes(document: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a dcm2niix or BIDS sidecar in DICOM's units (times in ms; sidecars have seconds)."""
    out = dict(document)
    for key in ("EchoTime", "RepetitionTime", "InversionTime"):
        seconds = _number(out.get(key))
        if seconds is not None:
            out[key] = seconds * 1000
        else:
            out.pop(key, None)
    if isinstance(out.get("ScanningSequence"), str):
        out["ScanningSequence"] = out["ScanningSequence"].replace("\\", "_").split("_")
    return out
