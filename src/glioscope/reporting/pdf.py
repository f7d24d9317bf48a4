"""The report as PDF, by ReportLab."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from glioscope.reporting.model import ReportModel, Section
from glioscope.reporting.model import Table as TableModel

__all__ = ["render_pdf"]

_TONES = {"good": "#1b7f4d", "caution": "#a66300", "warning": "#b3261e", "info": "#5c6670"}
_INK, _PALE, _LINE, _WASH = "#1d2329", "#5c6670", "#dfe3e7", "#f5f7f9"
_MARGIN = 40.0
_HIGHEST = 340.0
"""Height of a picture (points)."""
_FOOT = 60.0
"""Room below which no section begins on a page (points)."""
_BESIDE = (0.42, 0.58)
"""Shares of the page for a picture and for the tables of its section."""
_USUAL_ROWS = 8
"""So many of any other table are always shown."""
_FONT, _BOLD = "DejaVuSans", "DejaVuSans-Bold"


@dataclass(frozen=True)
class _Setting:
    """How tightly a report is set.

    Attributes:
        pictures: Share of their size.
        rows: How many of a table for reference are shown; None for all.
        bare: What is for reference is left out, and sections run over pages.
    """

    pictures: float = 1.0
    rows: int | None = None
    bare: bool = False


_TIGHTER = (*(_Setting(share) for share in (1.0, 0.85, 0.7, 0.6)), _Setting(0.6, 12), _Setting(0.5, 6), _Setting(0.5, 6, True))
"""Tried in this order, until the pages are few enough."""


@cache
def _fonts() -> Any:  # noqa: ANN401
    """Register DejaVu Sans, which comes with Matplotlib and may be embedded; the regular face, to ask for its glyphs."""
    import matplotlib
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name in (_FONT, _BOLD):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
    pdfmetrics.registerFontFamily(_FONT, normal=_FONT, bold=_BOLD, italic=_FONT, boldItalic=_BOLD)
    return pdfmetrics.getFont(_FONT).face


class _Writer:
    """Makes flowables of one width from a model's parts."""

    def __init__(self, width: float, setting: _Setting) -> None:
        self.width = width
        self.setting = setting
        self._glyphs: Mapping[int, int] = _fonts().charToGlyph

    def text(self, words: str, size: float, *, colour: str = _INK, bold: bool = False, **style: Any) -> Any:  # noqa: ANN401
        """A paragraph; markup is escaped, and a character that the font lacks is shown by its number."""
        from reportlab.platypus import Paragraph

        known = "".join(c if ord(c) in self._glyphs else f"\\u{ord(c):04x}" for c in words)
        return Paragraph(escape(known), _style(size, colour, bold=bold, **style))

    def box(self, cells: list[list[Any]], widths: list[float], *style: tuple[Any, ...]) -> Any:  # noqa: ANN401
        """A table of flowables."""
        from reportlab.platypus import Table

        flush = [("LEFTPADDING", (0, 0), (0, -1), 0), ("VALIGN", (0, 0), (-1, -1), "TOP")]
        return Table(cells, [w * self.width for w in widths], style=[*flush, *style], repeatRows=0)

    def head(self, model: ReportModel) -> list[Any]:
        """Title, quality statement and headline numbers."""
        tone = _TONES[model.level]
        reasons = [[self.text("●", 6, colour=_TONES[level]), self.text(words, 8)] for level, words in model.reasons]
        padding = [("TOPPADDING", (0, 0), (-1, -1), 1), ("BOTTOMPADDING", (0, 0), (-1, -1), 1)]
        inside = [self.text(f"{model.verdict_title}: {model.verdict}", 11, colour=tone, bold=True)]
        if reasons:
            inside.append(self.box(reasons, [0.02, 0.93], *padding))
        statement = self.box(
            [[inside]],
            [1],
            ("BACKGROUND", (0, 0), (-1, -1), _WASH),
            ("LINEBEFORE", (0, 0), (0, -1), 4, tone),
            ("LEFTPADDING", (0, 0), (-1, -1), 10),
            ("TOPPADDING", (0, 0), (-1, -1), 5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 5),
        )
        return [
            self.text(model.title, 15, bold=True),
            self.text(model.subtitle, 8, colour=_PALE, after=3),
            self.text(model.disclaimer, 7, colour=_PALE, after=6),
            statement,
            *self._keys(model),
        ]

    def _keys(self, model: ReportModel) -> list[Any]:
        from reportlab.platypus import Spacer

        if not model.keys:
            return []
        size = 12 if max(len(key.value) for key in model.keys) < 14 else 9.5
        cells = [[self.text(key.value, size, bold=True), self.text(key.label, 7, colour=_PALE)] for key in model.keys]
        lines = [("LINEABOVE", (i, 0), (i, 0), 4, key.colour or _LINE) for i, key in enumerate(model.keys)]
        share = 1 / len(model.keys)
        pad = ("LEFTPADDING", (0, 0), (-1, -1), 4)
        return [Spacer(0, 8), self.box([cells], [share] * len(cells), *lines, pad)]

    def section(self, section: Section) -> list[Any]:
        """Heading, pictures, tables, paragraphs; the heading stays with what follows it, a picture stands beside its tables."""
        from reportlab.platypus import CondPageBreak, KeepTogether

        heading = self.text(section.title, 9 if section.fine else 11, bold=True, before=9, after=3)
        if section.pictures and section.tables:
            left, right = (_Writer(share * self.width - 6, replace(self.setting, pictures=1.0)) for share in _BESIDE)
            body = [
                self.box([[left.pictures(section), right.tables(section)]], list(_BESIDE), ("RIGHTPADDING", (1, 0), (1, 0), 0))
            ]
        else:
            body = [*self.pictures(section), *self.tables(section)]
        paragraphs = (" ".join(section.paragraphs),) if section.fine and section.paragraphs else section.paragraphs
        body += [self.text(words, 6.5 if section.fine else 7, colour=_PALE, before=2) for words in paragraphs]
        runs_on = section.fine or self.setting.bare
        return [CondPageBreak(_FOOT), heading, *body] if runs_on else [KeepTogether([heading, *body])]

    def pictures(self, section: Section) -> list[Any]:
        """Pictures as wide as there is room, each with its caption."""
        from reportlab.lib.utils import ImageReader
        from reportlab.platypus import Image

        found: list[Any] = []
        for picture in section.pictures:
            wide, high = ImageReader(io.BytesIO(picture.png)).getSize()
            scale = self.setting.pictures * min(self.width / wide, _HIGHEST / high)
            found.append(Image(io.BytesIO(picture.png), wide * scale, high * scale))
            found.append(self.text(picture.caption, 7, colour=_PALE, before=2))
        return found

    def tables(self, section: Section) -> list[Any]:
        """Tables below each other."""
        from reportlab.platypus import Spacer

        found: list[Any] = []
        for number, table in enumerate(section.tables):
            found += [Spacer(0, 6)] * (number > 0) + self._table(table, section)
        return found

    def _table(self, table: TableModel, section: Section) -> list[Any]:
        size, padding = (6.5, 1) if section.fine else (8.5, 2)
        most = self.setting.rows if section.fine or self.setting.rows is None else max(self.setting.rows, _USUAL_ROWS)

        def cell(column: int, words: str, **style: Any) -> Any:  # noqa: ANN401
            return self.text(words, size, right=column in table.numeric, **style)

        head = [cell(i, words, colour=_PALE, bold=True) for i, words in enumerate(table.columns)]
        rows = [[cell(i, words) for i, words in enumerate(row)] for row in table.rows[:most]]
        left = len(table.rows) - len(rows)
        more = [self.text(f"… and {left} more, in report.html.", 7, colour=_PALE, before=2)] if left else []
        shown = self.box(
            [head, *rows],
            list(table.widths),
            ("LINEBELOW", (0, 0), (-1, 0), 1, _LINE),
            ("LINEBELOW", (0, 1), (-1, -1), 0.5, _LINE),
            ("TOPPADDING", (0, 0), (-1, -1), padding),
            ("BOTTOMPADDING", (0, 0), (-1, -1), padding),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
        )
        return [shown, *more]


def _style(size: float, colour: str, *, bold: bool, before: float = 0, after: float = 0, right: bool = False) -> Any:  # noqa: ANN401
    from reportlab.lib.colors import HexColor
    from reportlab.lib.enums import TA_LEFT, TA_RIGHT
    from reportlab.lib.styles import ParagraphStyle

    return ParagraphStyle(
        "words",
        fontName=_BOLD if bold else _FONT,
        fontSize=size,
        leading=size * 1.35,
        textColor=HexColor(colour),
        spaceBefore=before,
        spaceAfter=after,
        alignment=TA_RIGHT if right else TA_LEFT,
        splitLongWords=True,
    )


def render_pdf(model: ReportModel, *, most_pages: int | None = None) -> bytes:
    """A4 pages with embedded fonts and the disclaimer on each; the same bytes for the same model.

    Args:
        model: What the report says.
        most_pages: Pictures get smaller, then long tables shorter (and say so), until it has no more pages than this.
    """
    pdf = b""
    for setting in _TIGHTER:
        pdf, pages = _set(model, setting)
        if most_pages is None or pages <= most_pages:
            break
    return pdf


def _set(model: ReportModel, setting: _Setting) -> tuple[bytes, int]:
    """The document, and how many pages it has."""
    from reportlab.lib.colors import HexColor
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import SimpleDocTemplate

    def footer(canvas: Any, document: Any) -> None:  # noqa: ANN401
        canvas.setFont(_FONT, 6.5)
        canvas.setFillColor(HexColor(_PALE))
        canvas.drawString(_MARGIN, 24, f"{model.producer}. Not a medical device. For research use only.")
        canvas.drawRightString(A4[0] - _MARGIN, 24, f"Page {document.page}")

    stream = io.BytesIO()
    document = SimpleDocTemplate(
        stream,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=32,
        bottomMargin=38,
        title=model.title,
        author=model.producer,
        creator=model.producer,
        producer=model.producer,
        subject=model.disclaimer,
        lang="en",
        invariant=1,
        initialFontName=_FONT,
    )
    writer = _Writer(document.width - 12, setting)  # a frame pads its content by 6 points on either side
    story = writer.head(model)
    left_out = [section.title for section in model.sections if section.fine and setting.bare]
    for section in model.sections:
        story += writer.section(section) if section.title not in left_out else []
    story += [writer.text(f"In report.html: {', '.join(left_out)}.", 7, colour=_PALE, before=9)] if left_out else []
    document.build(story, onFirstPage=footer, onLaterPages=footer)
    return stream.getvalue(), document.page
