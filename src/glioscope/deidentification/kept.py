"""Which attributes may stay, and how: an explicit list, so that nothing personal passes by being unknown."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from glioscope.deidentification.profile import profile_action

__all__ = ["NUMBER_REPRESENTATIONS", "treatment_of"]

NUMBER_REPRESENTATIONS = frozenset({"US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "DS", "IS", "AT", "US or SS"})

_NUMBER_GROUPS = frozenset({0x0018, 0x0020, 0x0028, 0x0054, 0x0062})
"""Acquisition, relationship, image presentation, PET, segmentation: their numbers are physics and geometry."""


@cache
def _listed() -> dict[int, str]:
    from pydicom.datadict import tag_for_keyword

    lines = (files(__package__) / "kept.tsv").read_text(encoding="ascii").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    tags = {keyword: tag_for_keyword(keyword) for keyword, _ in rows}
    return {tag: treatment for keyword, treatment in rows if (tag := tags[keyword]) is not None}


def treatment_of(tag: int) -> str | None:
    """How a standard attribute is kept, as `kept.tsv` words it; None where it is not.

    Numbers of the groups of acquisition and geometry stay unless the profile names them. UIDs stay in their new form unless
    the profile removes them.
    """
    from pydicom.datadict import dictionary_has_tag, dictionary_VR

    listed = _listed().get(tag)
    if listed is not None or not dictionary_has_tag(tag):
        return listed
    action, representation = profile_action(tag), dictionary_VR(tag)
    if representation == "UI" and action in (None, "U"):
        return "uid"
    numeric = representation in NUMBER_REPRESENTATIONS and tag >> 16 in _NUMBER_GROUPS
    return "number" if numeric and action is None else None
