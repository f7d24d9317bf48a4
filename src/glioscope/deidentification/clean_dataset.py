"""A data set with what may stay, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from glioscope.core.vocabulary import allowed_term, allowed_words
from glioscope.deidentification.codes import clean_code
from glioscope.deidentification.date_shift import DateShift
from glioscope.deidentification.identity import Identity
from glioscope.deidentification.kept import NUMBER_REPRESENTATIONS, treatment_of
from glioscope.deidentification.options import DeidentificationOptions
from glioscope.deidentification.profile import profile_action
from glioscope.deidentification.safe_private import safe_private_representation
from glioscope.deidentification.secret_key import SecretKey
from glioscope.deidentification.tally import Tally
from glioscope.deidentification.uids import is_well_known, new_uid

__all__ = ["DatasetCleaner"]

DUMMY = "REMOVED"
_DATES = ("DA", "TM", "DT")
_TEXTS = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT")
_DUMMIES: dict[str, Any] = {
    **dict.fromkeys(_TEXTS, DUMMY),
    "DA": "19000101",
    "TM": "000000",
    "DT": "19000101",
    "AS": "000Y",
    "DS": "0",
    "IS": "0",
    "UR": "http://removed.invalid",
    "OB": b"\0\0",
}
_NUMBER = {"DS": re.compile(r"[+-]?\d*\.?\d+(?:[eE][+-]?\d+)?\.?|[+-]?\d+\."), "IS": re.compile(r"[+-]?\d{1,12}")}
_AGE = re.compile(r"(\d{3})([DWMY])")
_TEN_CHARACTERS = re.compile(rb"(?:[A-Za-z0-9]\0?){10}")
_LONGEST_LIST = 100_000


@dataclass
class DatasetCleaner:
    """Builds a clean data set out of one of a patient: element by element, at every depth.

    An element stays where `treatment_of` says how; otherwise the profile's table decides between removing, emptying and a
    dummy. What neither knows is removed, and so is what is private, unreadable, or not of the standard's representation.
    """

    key: SecretKey
    shift: DateShift
    identity: Identity
    options: DeidentificationOptions = field(default_factory=DeidentificationOptions)
    tally: Tally = field(default_factory=Tally)

    def clean(self, dataset: Any) -> Any:  # noqa: ANN401
        """A new data set; `dataset` is not changed. Pixel data are left out: they are another's work."""
        from pydicom.dataset import Dataset

        clean = Dataset()
        for tag in sorted(dataset.keys()):
            try:
                element = dataset[tag]
            except Exception:  # a damaged value makes pydicom raise anything
                self.tally.count("removed", tag)
                continue
            if tag.is_private:
                self._private(dataset, element, clean)
            elif tag.element != 0:
                self._standard(element, clean)
        return clean

    def _standard(self, element: Any, clean: Any) -> None:  # noqa: ANN401
        from pydicom.datadict import dictionary_has_tag, dictionary_VR

        tag = int(element.tag)
        if tag >> 16 == 0x7FE0:
            return
        treatment = treatment_of(tag)
        if not dictionary_has_tag(tag) or not _same(dictionary_VR(tag), element.VR):
            self.tally.count("removed", tag)
            return
        if element.is_empty or (element.VR == "SQ" and len(element.value) == 0):
            if treatment or profile_action(tag) not in (None, "X"):
                clean.add_new(tag, element.VR, None)
            return
        value = self._treated(treatment, element) if treatment else None
        if value is None:
            self._by_profile(element, clean)
            return
        clean.add_new(tag, element.VR, value)
        done = {"uid": "replaced", "date": "shifted", "words": "cleaned", "must": "cleaned", "code": "cleaned"}.get(
            treatment or ""
        )
        if done and value != element.value:
            self.tally.count(done, tag)

    def _treated(self, treatment: str, element: Any) -> Any:  # noqa: ANN401
        """The value that stays, None where none does."""
        treat: dict[str, Callable[[Any], Any]] = {
            "number": self._number,
            "code": self._code,
            "words": self._words,
            "must": lambda e: self._words(e) or DUMMY,
            "uid": lambda e: self._each(e, lambda uid: uid if is_well_known(uid) else new_uid(self.key, uid)),
            "date": self._date,
            "items": lambda e: [self.clean(item) for item in e.value],
            "coded": lambda e: self._codes(e) or None,
            "content": self._content,
            "patient": self._characteristic,
        }
        return treat[treatment](element)

    def _by_profile(self, element: Any, clean: Any) -> None:  # noqa: ANN401
        """Remove, empty or replace by a dummy, as the table has it."""
        action = profile_action(int(element.tag)) or "X"
        dummy = "D" in action and element.VR in _DUMMIES and not ("X" in action and element.VR in _DATES)
        if dummy:
            clean.add_new(element.tag, element.VR, _DUMMIES[element.VR])
            self.tally.count("replaced", element.tag)
        elif "Z" in action:
            clean.add_new(element.tag, element.VR, None)
            self.tally.count("emptied", element.tag)
        else:
            self.tally.count("removed", element.tag)

    def _private(self, dataset: Any, element: Any, clean: Any) -> None:  # noqa: ANN401
        tag = element.tag
        creator_tag = (tag.group << 16) | (tag.element >> 8)
        if self.options.safe_private and tag.element > 0xFF and creator_tag in dataset:
            creator = str(dataset[creator_tag].value)
            representation = safe_private_representation(creator, int(tag))
            if representation is not None and element.VR in (representation, "UN"):
                value = self._safe_value(element, representation)
                if value is not None:
                    clean.private_block(tag.group, creator, create=True).add_new(tag.element & 0xFF, representation, value)
                    return
        self.tally.count("removed", int(tag))

    def _safe_value(self, element: Any, representation: str) -> Any:  # noqa: ANN401
        from pydicom.dataelem import DataElement

        if element.VR == "UN":
            return None  # without its representation a value cannot be checked
        known = DataElement(element.tag, representation, element.value)
        return self._code(known) if representation == "CS" else self._number(known)

    @staticmethod
    def _each(element: Any, change: Callable[[str], str | None]) -> Any:  # noqa: ANN401
        """The values changed one by one; None where one cannot be."""
        values = [str(v).strip() for v in element.value] if element.VM > 1 else [str(element.value).strip()]
        changed = [change(v) if v else "" for v in values]
        if any(v is None for v in changed):
            return None
        return changed if len(changed) > 1 else changed[0]

    def _date(self, element: Any) -> Any:  # noqa: ANN401
        if self.options.dates == "remove":
            return None
        change = {"DA": self.shift.date, "TM": self.shift.time, "DT": self.shift.datetime}.get(element.VR)
        return self._each(element, change) if change else None

    def _code(self, element: Any) -> Any:  # noqa: ANN401
        values = [str(v) for v in element.value] if element.VM > 1 else [str(element.value)]
        positional = element.keyword in ("ImageType", "FrameType")
        kept = [v if not v or allowed_term(v, self.identity.fragments) else "OTHER" if positional else None for v in values]
        said = [v for v in kept if v is not None]
        return None if not said else said if len(said) > 1 else said[0]

    def _words(self, element: Any) -> str | None:  # noqa: ANN401
        if not self.options.descriptions and profile_action(int(element.tag)):
            return None
        text = " ".join(str(v) for v in element.value) if element.VM > 1 else str(element.value)
        return allowed_words(text, self.identity.fragments)[: 16 if element.VR == "SH" else 64].strip() or None

    def _number(self, element: Any) -> Any:  # noqa: ANN401
        values = list(element.value) if element.VM > 1 else [element.value]
        if len(values) > _LONGEST_LIST or not _fits(element.tag, len(values)):
            return None
        if element.VR not in NUMBER_REPRESENTATIONS or element.VR in _NUMBER:
            form = _NUMBER.get(element.VR, _NUMBER["IS"])
            texts = [str(getattr(v, "original_string", v)).strip() for v in values]
            if not all(form.fullmatch(t) and len(t) <= 16 and t not in self.identity.fragments for t in texts):
                return None
            return texts if len(texts) > 1 else texts[0]
        return element.value if not _spells(element.VR, values) else None

    def _codes(self, element: Any) -> list[Any]:  # noqa: ANN401
        kept = []
        for item in element.value:
            code = clean_code(item)
            if code is None:
                self.tally.count("removed", int(element.tag))
                continue
            for inner in item:
                if inner.VR == "SQ" and not inner.tag.is_private:
                    self._standard(inner, code)
            kept.append(code)
        return kept

    def _content(self, element: Any) -> list[Any]:  # noqa: ANN401
        """The content items of a report whose name, and value where it is a code, the standard lists."""
        kept = []
        for item in element.value:
            clean = self.clean(item)
            needed = [name for name in ("ConceptNameCodeSequence", "ConceptCodeSequence") if item.get(name)]
            if all(clean.get(name) for name in needed):
                kept.append(clean)
            else:
                self.tally.count("removed", int(element.tag))
        return kept

    def _characteristic(self, element: Any) -> Any:  # noqa: ANN401
        if not self.options.patient_characteristics:
            return None
        text = str(element.value).strip().upper()
        if element.VR == "AS":
            found = _AGE.fullmatch(text)
            if not found:
                return None
            return "090Y" if found[2] == "Y" and int(found[1]) >= 90 else text
        if element.VR == "CS":
            return text if text in ("M", "F", "O", "YES", "NO", "UNKNOWN") else None
        return self._number(element)


def _same(expected: str, declared: str) -> bool:
    return declared == expected or declared in expected.split(" or ")


def _fits(tag: Any, count: int) -> bool:  # noqa: ANN401
    """Whether an attribute may have so many values."""
    from pydicom.datadict import dictionary_has_tag, dictionary_VM

    if tag.is_private or not dictionary_has_tag(tag):
        return count <= 9
    most = dictionary_VM(tag).rpartition("-")[2]
    return "n" in most or count <= int(most)


def _spells(representation: str, values: list[Any]) -> bool:
    """Whether binary numbers are text in disguise: ten letters or digits in a row in their bytes."""
    import numpy as np

    kind = {"US": "<u2", "SS": "<i2", "UL": "<u4", "SL": "<i4", "UV": "<u8", "SV": "<i8", "FL": "<f4", "FD": "<f8"}
    if representation == "AT":
        values = [half for value in values for half in (int(value) >> 16, int(value) & 0xFFFF)]
        representation = "US"
    try:
        content = np.asarray(values, kind.get(representation, "<f8")).tobytes()
    except (ValueError, OverflowError, TypeError):
        return True
    return _TEN_CHARACTERS.search(content) is not None
