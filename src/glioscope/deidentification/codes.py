"""Codes that the standard lists, and their meanings in its words."""

from __future__ import annotations

from functools import cache
from typing import Any

__all__ = ["clean_code"]

_SNOMED_RT = frozenset({"SRT", "SNM3", "99SDM"})
_UNITS = {
    ("UCUM", code): meaning
    for code, meaning in (
        ("ml", "milliliter"),
        ("mm2", "square millimeter"),
        ("1", "no units"),
        ("%", "percent"),
        ("{pixels}", "pixels"),
        ("{-1:1}", "{-1:1}"),
        ("{lesions}", "lesions"),
    )
}
"""Units of measurement reports that pydicom does not list; without its unit a number may not stand."""


@cache
def _meanings() -> dict[tuple[str, str], str]:
    from pydicom.sr._concepts_dict import concepts

    return _UNITS | {
        (scheme, value): entry[0]
        for scheme, keywords in concepts.items()
        for values in keywords.values()
        for value, entry in values.items()
    }


@cache
def _old_snomed() -> dict[str, str]:
    from pydicom.sr._snomed_dict import mapping

    return dict(mapping["SRT"])


def clean_code(item: Any) -> Any | None:  # noqa: ANN401
    """A code item with value, scheme and the standard's meaning (PS3.16); None for a code that the standard does not list.

    A local code is the hospital's own and its meaning free text: it goes.
    """
    from pydicom.dataset import Dataset

    value, scheme = str(item.get("CodeValue") or "").strip(), str(item.get("CodingSchemeDesignator") or "").strip()
    listed = ("SCT", _old_snomed().get(value, "")) if scheme in _SNOMED_RT else (scheme, value)
    meaning = _meanings().get(listed)
    if meaning is None or not meaning.isascii():
        return None
    clean = Dataset()
    clean.CodeValue, clean.CodingSchemeDesignator, clean.CodeMeaning = value, scheme, meaning[:64]
    return clean
