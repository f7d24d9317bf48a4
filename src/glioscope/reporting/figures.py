"""Figures of the report: outlines on all sequences at the most telling slices, as PNG."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from glioscope.core import Scheme, Sequence
from glioscope.reporting.outlines import Outline, outlines
from glioscope.reporting.views import PLANES, Plane, Scene

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["montage_figure", "overview_figure"]

WIDTH_INCHES = 9.0
DPI = 175
_GREYS = 100
_FONT = "DejaVu Sans"
_BACKGROUND = "#000000"
_INK = "#e8eaed"
_GAP = 3.0
_AXES: dict[Plane, str] = {"axial": "z", "sagittal": "x", "coronal": "y"}


class _Sheet:
    """A dark table of pictures measured in millimetres of the patient, so that all of them have one scale."""

    def __init__(self, columns: list[str], rows: list[str], widths: list[float], heights: list[float]) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self._widths, self._heights = widths, heights
        inner = sum(widths) + _GAP * len(widths)
        unit = inner / 100  # furniture is sized relative to the sheet
        self.left, self.top, self.bottom = 2.8 * unit, 2.6 * unit, 3.2 * unit
        self.width, self.height = self.left + inner, self.top + sum(heights) + _GAP * len(heights) + self.bottom
        size = (WIDTH_INCHES, WIDTH_INCHES * self.height / self.width)
        self.figure: Figure = Figure(size, dpi=DPI, facecolor=_BACKGROUND)
        FigureCanvasAgg(self.figure)
        for number, words in enumerate(columns):
            x = self.left + sum(widths[:number]) + number * _GAP + widths[number] / 2
            self.text(x, self.top / 2, words, ha="center")
        for number, words in enumerate(rows):
            y = self.top + sum(heights[:number]) + number * _GAP + heights[number] / 2
            self.text(self.left / 2, y, words, ha="center", rotation=90)

    def corner(self, cell: tuple[int, int], size: tuple[float, float]) -> tuple[float, float]:
        """Upper left corner of a picture of `size` in the middle of a cell (row, column)."""
        row, column = cell
        x = self.left + sum(self._widths[:column]) + column * _GAP + (self._widths[column] - size[0]) / 2
        y = self.top + sum(self._heights[:row]) + row * _GAP + (self._heights[row] - size[1]) / 2
        return x, y

    def axes(self, left: float, top: float, width: float, height: float) -> Any:  # noqa: ANN401
        """Axes in mm from the sheet's upper left corner, with coordinates in mm from their own."""
        box = (left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height)
        axes = self.figure.add_axes(box)
        axes.set_axis_off()
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
        return axes

    def text(self, x: float, y: float, words: str, **style: Any) -> None:  # noqa: ANN401
        """Words at a place in mm from the upper left corner."""
        chosen: dict[str, Any] = {"color": _INK, "fontsize": 8, "family": _FONT, "va": "center"} | style
        self.figure.text(x / self.width, 1 - y / self.height, words, **chosen)

    def png(self, drawn: list[Outline]) -> bytes:
        """The sheet in a palette of greys and the outlines' colours; the same bytes each time."""
        from PIL import Image

        self.figure.canvas.draw()
        rgba = np.asarray(self.figure.canvas.buffer_rgba())  # type: ignore[attr-defined]
        palette = Image.new("P", (1, 1))
        palette.putpalette(_palette([outline.colour for outline in drawn]))
        picture = Image.fromarray(rgba[..., :3].copy()).quantize(palette=palette, dither=Image.Dither.NONE)
        stream = io.BytesIO()
        picture.save(stream, "PNG", optimize=True, dpi=(DPI, DPI))
        return stream.getvalue()


def _palette(colours: list[str]) -> bytes:
    """Greys, and each colour blended with four of them, as RGB triples."""
    greys = np.linspace(0, 255, _GREYS)
    shades = [np.repeat(greys[:, None], 3, axis=1)]
    for colour in dict.fromkeys(colours):
        rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], float)
        shades += [share * rgb + (1 - share) * grey for share in (1.0, 0.7, 0.4) for grey in (0.0, 85.0, 170.0, 255.0)]
    return np.concatenate([np.atleast_2d(shade) for shade in shades]).round().astype(np.uint8)[:256].tobytes()


def _panel(
    sheet: _Sheet,
    cell: tuple[int, int],
    scene: Scene,
    sequence: Sequence,
    plane: Plane,
    *,
    drawn: list[Outline],
    index: int | None = None,
) -> None:
    """One picture of one sequence in a cell (row, column) of the sheet, with outlines and letters of direction."""
    from matplotlib.patheffects import withStroke

    width, height = scene.size_mm(plane)
    axes = sheet.axes(*sheet.corner(cell, (width, height)), width, height)
    low, high = scene.windows[sequence]
    picture = scene.picture(scene.images[sequence], plane, index)
    extent = (0, width, height, 0)
    axes.imshow(picture, cmap="gray", vmin=low, vmax=high, extent=extent, aspect="auto", interpolation="bicubic")
    labels = scene.picture(scene.labels, plane, index)
    rows, columns = labels.shape
    x = (np.arange(-1, columns + 1) + 0.5) * width / columns
    y = (np.arange(-1, rows + 1) + 0.5) * height / rows
    for number, outline in enumerate(drawn):
        mask = np.pad(outline.mask(labels.astype(np.uint8)), 1)
        if mask.any():
            # inner outlines are thinner, so that both show where the edges of two regions coincide
            inner = any(set(other.values) < set(outline.values) for other in drawn[number + 1 :])
            wide = 0.9 if not inner or number == 0 else 1.9
            axes.contour(x, y, mask.astype(float), levels=[0.5], colors=[outline.colour], linewidths=wide)
    for letter, place in zip(PLANES[plane][1], (0.02, 0.98), strict=True):
        text = axes.text(place, 0.5, letter, transform=axes.transAxes, color=_INK, fontsize=7, family=_FONT, va="center")
        text.set_horizontalalignment("left" if place < 0.5 else "right")
        text.set_path_effects([withStroke(linewidth=1.6, foreground=_BACKGROUND)])


def _legend(sheet: _Sheet, scene: Scene, drawn: list[Outline]) -> None:
    """Colours of the outlines on the left, the scale on the right."""
    x, y = 0.03 * sheet.width, sheet.height - sheet.bottom / 2
    bar = 50.0
    axes = sheet.axes(0, y - 10, sheet.width, 20)
    present = [outline for outline in drawn if outline.mask(scene.labels.data).any()]
    for outline in present:
        axes.plot([x, x + 0.022 * sheet.width], [10, 10], color=outline.colour, linewidth=2.5)
        sheet.text(x + 0.03 * sheet.width, y, outline.title)
        x += (0.06 + 0.0105 * len(outline.title)) * sheet.width
    if not present:
        sheet.text(x, y, "No tumour was found; slices through the middle of the brain")
    right = 0.98 * sheet.width
    axes.plot([right - bar, right], [10, 10], color=_INK, linewidth=2, solid_capstyle="butt")
    sheet.text(right - bar - 0.01 * sheet.width, y, f"{bar:g} mm", ha="right")


def overview_figure(scene: Scene, scheme: Scheme) -> bytes:
    """Axial, sagittal and coronal planes through the tumour on every sequence, outlined; PNG bytes.

    One column a sequence, one row a plane, all at one scale; the patient's right is on the left.
    """
    drawn = outlines(scheme)
    sizes = {plane: scene.size_mm(plane) for plane in PLANES}
    by_row = len(scene.images) <= 2
    titles = {sequence: sequence.display_name for sequence in scene.images}
    places = {plane: f"{plane.capitalize()}, {_AXES[plane]} = {scene.position_mm(plane):.0f} mm" for plane in PLANES}
    if by_row:
        widths, heights = [w for w, _ in sizes.values()], [max(h for _, h in sizes.values())] * len(titles)
        sheet = _Sheet(list(places.values()), list(titles.values()), widths, heights)
    else:
        widths, heights = [max(w for w, _ in sizes.values())] * len(titles), [h for _, h in sizes.values()]
        sheet = _Sheet(list(titles.values()), list(places.values()), widths, heights)
    for i, sequence in enumerate(titles):
        for j, plane in enumerate(PLANES):
            _panel(sheet, (i, j) if by_row else (j, i), scene, sequence, plane, drawn=drawn)
    _legend(sheet, scene, drawn)
    return sheet.png(drawn)


_TELLING = (Sequence.T1C, Sequence.T2F, Sequence.T1N, Sequence.T2W)


def montage_figure(scene: Scene, scheme: Scheme) -> bytes:
    """Axial slices across the tumour's height on the two most telling sequences, outlined; PNG bytes."""
    drawn = outlines(scheme)
    rows = [sequence for sequence in _TELLING if sequence in scene.images][:2]
    size = scene.size_mm("axial")
    places = [f"z = {scene.position_mm('axial', index):.0f} mm" for index in scene.slices]
    blank = [""] * (4 - len(places))
    sheet = _Sheet(places + blank, [s.display_name for s in rows], [size[0]] * (len(places + blank)), [size[1]] * len(rows))
    for row, sequence in enumerate(rows):
        for column, index in enumerate(scene.slices):
            _panel(sheet, (row, column), scene, sequence, "axial", drawn=drawn, index=index)
    _legend(sheet, scene, drawn)
    return sheet.png(drawn)
