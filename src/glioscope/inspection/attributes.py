"""What DICOM attributes (or the JSON sidecar of a converted series) say of a series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glioscope.core import Sequence
from glioscope.inspection.names import Reading, Weighting, read_name

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


def _physics(attributes: Mapping[str, Any]) -> tuple[Weighting | None, str | None, str]:
    """From TE, TR and TI (ms): the weighting, or why it is none of the four; and the numbers in words."""
    te, tr, ti = (_number(attributes.get(k)) for k in ("EchoTime", "RepetitionTime", "InversionTime"))
    numbers = ", ".join(f"{n} {v:.0f} ms" for n, v in (("TR", tr), ("TE", te), ("TI", ti)) if v)
    weighting: Weighting | None = None
    aside = None
    if te is None or tr is None:
        pass
    elif "GR" in (kinds := _texts(attributes.get("ScanningSequence"))) and "SE" not in kinds:
        # Spoiled gradient echo: short TE; MPRAGE carries the inversion cycle (to 3 s) as its TR.
        weighting = "T1" if te < 8 and (tr < 60 or (ti or 0) > 500 or 1200 < tr < 3500) else None
    elif ti is not None and ti < 350 and tr > 1500:
        aside = "other contrast"  # STIR
    elif ti is not None and ti >= 1500 and te >= 60 and tr >= 3500:
        weighting = "FLAIR"
    elif te <= 40 and (tr <= 1300 or (ti is not None and 500 <= ti < 1500 and tr < 4000)):
        weighting = "T1"
    elif te >= 60 and tr >= 1800 and ti is None:
        weighting = "T2"
    elif te <= 45 and tr >= 1800 and ti is None:
        aside = "proton density"
    return weighting, aside, numbers


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


def _contrast(attributes: Mapping[str, Any], described: Reading, protocol: Reading) -> tuple[bool | None, str]:
    """Whether contrast agent was given, and what says so; a description goes before the agent's entry, which is often stale."""
    agent = _agent(attributes)
    if described.contrast is not None:
        return described.contrast, "its description"
    if protocol.contrast is not None and agent == protocol.contrast:
        return protocol.contrast, "its protocol name"
    return (True, "its contrast agent entry") if agent else (None, "")


def _weighting(attributes: Mapping[str, Any], described: Reading, protocol: Reading) -> tuple[Weighting | None, float, str]:
    """The weighting, its confidence, and the evidence."""
    words = described if described.weighting else protocol
    source = "its description" if described.weighting else "its protocol name"
    coded = _CONTRASTS.get(str(attributes.get("AcquisitionContrast", "")).upper())
    timing, _, numbers = _physics(attributes)
    if words.weighting and words.weighting in (timing, coded):
        return words.weighting, 0.98, f"{source} and {numbers or 'its contrast code'}"
    if words.weighting and timing and words.explicit:
        return words.weighting, 0.4, f"{source} says {words.weighting} but {numbers} says {timing}"
    if words.weighting and timing is None:
        return words.weighting, 0.9, source
    if coded:
        return coded, 0.95, "its contrast code"
    return timing, 0.8 if timing else 0.0, numbers


def from_attributes(attributes: Mapping[str, Any]) -> Evidence:
    """Judge a series by its attributes: keyword -> value as in DICOM, times in ms.

    Descriptions are read first and checked against the timing; where the two disagree the confidence is 0.4, too low to use.
    """
    described = read_name(str(attributes.get("SeriesDescription", "")))
    protocol = read_name(str(attributes.get("ProtocolName", "")))
    aside = _aside(attributes) or described.set_aside
    if aside is None and described.weighting is None:
        aside = protocol.set_aside
    if aside:
        return Evidence(None, 0.0, "its attributes", aside)
    weighting, confidence, reason = _weighting(attributes, described, protocol)
    if weighting is None:
        _, aside, numbers = _physics(attributes)
        return Evidence(None, 0.0, numbers if aside else "neither its description nor its timing tells", aside)
    contrast, source = _contrast(attributes, described, protocol)
    if weighting == "T1" and contrast:
        reason += f"; contrast from {source}"
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
