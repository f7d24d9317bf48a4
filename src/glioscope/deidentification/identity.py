"""What a patient's own files say about who the patient is, to find it where it does not belong."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from glioscope.core.vocabulary import package_words

__all__ = ["Identity", "identity_text"]

_PATIENT = ("PatientID", "OtherPatientIDs", "IssuerOfPatientID", "AccessionNumber", "StudyID")
_PLACES = ("InstitutionName", "StationName", "DeviceSerialNumber", "InstitutionAddress")
_FRAMES = frozenset({0x52009229, 0x52009230})
"""Functional groups name nobody, and there may be hundreds of them."""
SHORTEST = 3
SHORTEST_IN_BYTES = 5


def identity_text(dataset: Any) -> str:  # noqa: ANN401
    """The text that a patient is recognised by in all files: patient ID and issuer, or name and date of birth, or the study.

    Only serves as input of a keyed draw.
    """
    number = _clean(str(dataset.get("PatientID") or ""))
    if number:
        return "\n".join(("id", number, _clean(str(dataset.get("IssuerOfPatientID") or ""))))
    name, birth = _clean(str(dataset.get("PatientName") or "")), _clean(str(dataset.get("PatientBirthDate") or ""))
    if name:
        return "\n".join(("name", name.casefold(), birth))
    return "\n".join(("study", str(dataset.get("StudyInstanceUID") or "")))


def _clean(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).replace("\0", " ").split())


@dataclass
class Identity:
    """Fragments of names and numbers of one patient, in lower case, gathered from all files of the patient."""

    fragments: set[str] = field(default_factory=set)

    def learn(self, dataset: Any) -> None:  # noqa: ANN401
        """Gather from a data set: every person's name in it, the numbers of the patient, the institution."""
        self._learn_values(str(dataset.get(name) or "") for name in _PATIENT)
        self._learn_values((str(dataset.get(name) or "") for name in _PLACES), but_not=package_words("words.txt"))
        birth = str(dataset.get("PatientBirthDate") or "")
        if len(birth) == 8:
            self.fragments.add(birth)
        self._learn_people(dataset)

    def _learn_people(self, dataset: Any) -> None:  # noqa: ANN401
        from pydicom.datadict import dictionary_has_tag, dictionary_VR

        for tag in list(dataset.keys()):
            if tag.is_private or not dictionary_has_tag(tag) or dictionary_VR(tag) not in ("PN", "SQ"):
                continue  # looked up without reading the value, which takes most of the time
            try:
                element = dataset[tag]
            except Exception:  # a damaged value makes pydicom raise anything; it is not kept either
                continue
            if element.VR == "PN":
                self._learn_values([str(element.value or "")])
            elif element.VR == "SQ" and tag not in _FRAMES:
                for item in element.value or ():
                    self._learn_people(item)

    def _learn_values(self, values: Iterable[str], but_not: frozenset[str] = frozenset()) -> None:
        for value in values:
            text = _clean(value).lower()
            pieces = {text, *re.split(r"[\W_]+", text)}
            self.fragments |= {p for p in pieces - but_not if len(p) >= SHORTEST or (len(p) == 2 and not p.isascii())}

    def found_in(self, content: bytes, harmless: frozenset[str]) -> bool:
        """Whether a fragment of five letters or more stands in `content`, in any common encoding.

        Args:
            content: What would be written, without pixels.
            harmless: Words that the de-identifier itself writes; a patient may be called like one of them.
        """
        plain = content.lower()
        for fragment in sorted(self.fragments - harmless):
            if fragment.isdigit():
                number = rb"(?<![\d.])" + fragment.encode() + rb"(?![\d.])"
                if len(fragment) > SHORTEST_IN_BYTES and re.search(number, plain):
                    return True
            elif len(fragment) >= SHORTEST_IN_BYTES or not fragment.isascii():
                forms = (fragment.encode(form, "surrogatepass") for form in ("utf-8", "utf-16-le", "utf-16-be"))
                if any(form in plain for form in forms):
                    return True
        return False
