"""What each label and region is, in codes of DICOM PS3.16 (context groups 7150, 7159), and in the colours of the reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from glioscope.core import Scheme

__all__ = ["BRAIN", "MORPHOLOGY", "PRIVATE_SCHEME", "Code", "Segment", "private", "segments_of"]


@dataclass(frozen=True)
class Code:
    """A coded concept: value, coding scheme, meaning."""

    value: str
    scheme: str
    meaning: str


PRIVATE_SCHEME = "99GLIOSCOPE"
"""Designator of the codes that are Glioscope's own (PS3.16, 8.2: private ones begin with 99)."""


def private(value: str, meaning: str) -> Code:
    """A concept that no coding scheme at hand has, as a code of Glioscope's own."""
    return Code(value, PRIVATE_SCHEME, meaning)


@dataclass(frozen=True)
class Segment:
    """One segment of a segmentation object.

    Attributes:
        name: The label's or region's short name, such as `ET`.
        label: What people read, at most 64 characters.
        type: What it is.
        colour: sRGB hex.
        values: The values of the label map that it unites.
    """

    name: str
    label: str
    type: Code
    colour: str
    values: tuple[int, ...]


BRAIN = Code("12738006", "SCT", "Brain")
MORPHOLOGY = Code("49755003", "SCT", "Morphologically Abnormal Structure")

_NECROSIS = Code("6574001", "SCT", "Necrosis")
_EDEMA = Code("79654002", "SCT", "Edema")
_ENHANCING = Code("C113842", "NCIt", "Enhancing Lesion")
_NOT_ENHANCING = Code("C81175", "NCIt", "Non-Enhancing Lesion")
_NEOPLASM = Code("108369006", "SCT", "Neoplasm")

_LABELS: Mapping[str, Code] = {
    "NCR": _NECROSIS,
    "NETC": _NOT_ENHANCING,
    "ED": _EDEMA,
    "SNFH": _EDEMA,
    "ET": _ENHANCING,
    "RT": _ENHANCING,
    "GTV": _NEOPLASM,
    "CC": Code("367643001", "SCT", "Cyst"),
    "RC": private("RC", "Resection cavity"),
}
"""Label -> its type. DICOM has no code for a resection cavity, so that one is private."""

_UNIONS: Mapping[str, tuple[str, Code, str]] = {
    "WT": ("whole tumour with oedema", Code("52988006", "SCT", "Lesion"), "#228833"),
    "TC": ("tumour core", _NEOPLASM, "#EE7733"),
}


def segments_of(scheme: Scheme, regions: bool, unknown: tuple[str, ...] = ()) -> tuple[Segment, ...]:
    """The segments of a label map of `scheme`, in the order of their numbers.

    Args:
        regions: The scheme's regions, from the largest to the smallest, which overlap; its labels, which do not, where False.
        unknown: Regions that were not looked for. Their segments would say that there is nothing, so they are left out, and so
            are the labels that only they would tell apart.
    """
    if regions:
        return tuple(_region(scheme, name, values) for name, values in scheme.regions.items() if name not in unknown)
    if unknown:
        return ()
    return tuple(
        Segment(label.name, f"{label.name}: {label.meaning}"[:64], _LABELS[label.name], label.colour, (value,))
        for value, label in scheme.labels.items()
    )


def _region(scheme: Scheme, name: str, values: tuple[int, ...]) -> Segment:
    if name in _UNIONS:
        words, code, colour = _UNIONS[name]
        return Segment(name, f"{name}: {words}", code, colour, values)
    label = scheme.labels[values[0]]
    return Segment(name, f"{name}: {label.meaning}"[:64], _LABELS[label.name], label.colour, values)
