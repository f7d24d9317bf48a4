"""What a report says, apart from how it looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["DISCLAIMER", "Key", "Level", "Picture", "ReportModel", "Section", "Table"]

DISCLAIMER = (
    "Not a medical device. For research use only: no diagnosis or treatment may rest on it, and every outline and number has "
    "to be checked against the images."
)

Level = Literal["good", "caution", "warning", "info"]


@dataclass(frozen=True)
class Key:
    """A headline number: its words, its value with the unit, and the colour of its outline (sRGB hex) or an empty string."""

    label: str
    value: str
    colour: str = ""


@dataclass(frozen=True)
class Table:
    """Columns and rows of text. `widths` are shares of the page; `numeric` columns are set to the right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]
    numeric: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Picture:
    """A figure: PNG bytes, what it shows, and a sentence for those who cannot see it."""

    png: bytes
    caption: str
    alternative: str


@dataclass(frozen=True)
class Section:
    """A heading and what is under it; `fine` ones are for reference and set smaller."""

    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    fine: bool = False


@dataclass(frozen=True)
class ReportModel:
    """A whole report.

    Attributes:
        title: Of the document.
        subtitle: Exam, segmenter and space in a line.
        verdict: The quality statement.
        level: What the verdict weighs.
        reasons: Weight and sentence of each remark, the gravest first.
        keys: Headline numbers.
        sections: The rest, in order.
        producer: Name and version of the software.
        verdict_title: What the verdict is of.
    """

    title: str
    subtitle: str
    verdict: str
    level: Level
    reasons: tuple[tuple[Level, str], ...]
    keys: tuple[Key, ...]
    sections: tuple[Section, ...]
    producer: str
    disclaimer: str = DISCLAIMER
    verdict_title: str = "Quality"
