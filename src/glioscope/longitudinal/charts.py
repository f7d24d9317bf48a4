"""Curves and slices of a patient over time, as PNG; the same bytes each time."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core.boxes import box_of
from glioscope.longitudinal.change_map import CHANGE_COLOURS, CHANGE_LABELS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Curve", "Panel", "curves_picture", "slices_picture"]

DPI = 150
MARGIN_MM = 6.0
COLUMN_INCHES = 2.6
_TONES = {"CR": "#1b7f4d", "PR": "#1b7f4d", "SD": "#5c6670", "PD": "#b3261e"}


@dataclass(frozen=True)
class Curve:
    """Numbers over time, one an exam, with the words and the colour (sRGB hex) that they are drawn with."""

    title: str
    values: Sequence[float]
    colour: str


@dataclass(frozen=True, eq=False)
class Panel:
    """One exam on the baseline's grid, turned to LPS.

    Attributes:
        title: Above it.
        image: (X, Y, Z) of any unit, or None where there is none.
        region: Bool, same shape: outlined.
        changes: Change map against the baseline, same shape; None for the baseline.
    """

    title: str
    image: NDArray[Any] | None
    region: NDArray[np.bool_]
    changes: NDArray[np.uint8] | None


def curves_picture(
    times: Sequence[float],
    time_words: str,
    *,
    volumes: Sequence[Curve],
    diameters: Sequence[Curve],
    products: Sequence[float],
    categories: Sequence[str],
) -> bytes:
    """Volumes (ml), diameters (mm) and the sum of products (cm2) over time, with the category of each exam.

    Args:
        times: Days since the baseline, or the exams' numbers, in order.
        time_words: What they are.
        volumes: One curve a region.
        diameters: One curve a diameter.
        products: Sum of products of diameters in mm2.
        categories: `baseline`, `CR`, `PR`, `SD` or `PD`, one an exam.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure: Figure = Figure((10.5, 3.5), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 3)
    sums = [Curve("Sum of products", [value / 100 for value in products], "#EE6677")]
    for axis, curves, words in zip(
        axes, (volumes, diameters, sums), ("Volume (ml)", "Diameter (mm)", "Sum of products (cm²)"), strict=True
    ):
        for curve in curves:
            axis.plot(times, curve.values, "o-", color=curve.colour, label=curve.title, linewidth=1.8, markersize=4.5)
        axis.set(xlabel=time_words, title=words)
        axis.set_ylim(bottom=0, top=max(1e-3, 1.15 * max((max(c.values, default=0) for c in curves), default=0)))
        axis.set_xticks(list(times) if len(times) < 9 else list(times)[:: len(times) // 8 + 1])
        axis.spines[["top", "right"]].set_visible(False)
        axis.title.set_fontsize(10)
        axis.tick_params(labelsize=8)
        if len(curves) > 1:
            axis.legend(frameon=False, fontsize=8)
    for time, value, word in zip(times, sums[0].values, categories, strict=True):
        tone = _TONES.get(word, "#1d2329")
        axes[2].annotate(
            word, (time, value), (0, 7), textcoords="offset points", ha="center", fontsize=8, color=tone, weight="bold"
        )
    axes[2].margins(x=0.12)
    return _png(figure)


def slices_picture(panels: Sequence[Panel], spacing: Sequence[float], height_of: Sequence[float], colour: str) -> bytes:
    """Every exam in the axial slice where the region is largest; below, the change maps; PNG bytes.

    With three exams or more also in the slice, farther away, that changed most.

    Args:
        panels: In the order of time, on one grid; the patient's right is shown on the left.
        spacing: mm of the three axes.
        height_of: World z in mm of each slice of the third axis.
        colour: Of the region's outline.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shape = panels[0].region.shape
    area = sum(panel.region.sum(axis=(0, 1)) for panel in panels)
    change = sum((panel.changes > 1).sum(axis=(0, 1)) for panel in panels if panel.changes is not None)
    slices = [int(np.argmax(area))] if np.any(area) else [shape[2] // 2]
    away = np.abs(np.arange(shape[2]) - slices[0]) * spacing[2] >= MARGIN_MM
    if len(panels) > 2 and np.any(change * away):
        slices.append(int(np.argmax(change * away)))
    slices.sort(reverse=True)
    box = _box(panels, spacing)
    wide, high = ((box[axis].stop - box[axis].start) * spacing[axis] for axis in (0, 1))
    rows = [(k, with_changes) for k in slices for with_changes in (False, True)]
    height = COLUMN_INCHES * high / wide + 0.25
    figure: Figure = Figure((COLUMN_INCHES * len(panels), height * len(rows)), dpi=DPI, facecolor="black", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(rows), len(panels), squeeze=False)
    for (k, with_changes), line in zip(rows, axes, strict=True):
        for panel, axis in zip(panels, line, strict=True):
            axis.set_axis_off()
            axis.set(xlim=(0, wide), ylim=(high, 0), aspect="equal")
            if with_changes and panel.changes is None:
                _legend(axis)
                continue
            _draw(axis, panel, (box[0], box[1], k), (wide, high), colour, with_changes=with_changes)
            if not with_changes:
                axis.set_title(f"{panel.title}, z = {height_of[k]:.0f} mm", color="#e8eaed", fontsize=8)
    return _png(figure)


def _box(panels: Sequence[Panel], spacing: Sequence[float]) -> tuple[slice, slice]:
    """What of an axial slice is shown: the brain; without images a square around the region that is no smaller than it."""
    images = [panel.image > 0 for panel in panels if panel.image is not None]
    seen = np.any(images or [panel.region for panel in panels], axis=0)
    if not seen.any():
        return slice(0, seen.shape[0]), slice(0, seen.shape[1])
    found = box_of(seen, [int(MARGIN_MM / s) for s in spacing])
    side = 0.0 if images else max((found[axis].stop - found[axis].start) * spacing[axis] for axis in (0, 1))
    out = []
    for axis in (0, 1):
        start, stop = found[axis].start, found[axis].stop
        more = max(0, int(side / spacing[axis]) - (stop - start))
        out.append(slice(max(0, start - more // 2), min(seen.shape[axis], stop + more - more // 2)))
    return out[0], out[1]


def _legend(axis: Any) -> None:  # noqa: ANN401
    place: dict[str, Any] = {"color": "#e8eaed", "fontsize": 9, "va": "center", "transform": axis.transAxes}
    axis.text(0.08, 0.68, "Change from the baseline", **place)
    for number, (value, word) in enumerate(CHANGE_LABELS.items()):
        axis.plot([0.08, 0.18], [0.57 - 0.1 * number] * 2, color=CHANGE_COLOURS[value], linewidth=6, transform=axis.transAxes)
        axis.text(0.24, 0.57 - 0.1 * number, word, **place)


def _draw(
    axis: Any,  # noqa: ANN401
    panel: Panel,
    where: tuple[slice, slice, int],
    size: tuple[float, float],
    colour: str,
    *,
    with_changes: bool,
) -> None:
    """One slice: the picture, then the outline or the coloured changes."""
    extent = (0, size[0], size[1], 0)
    region = panel.region[where].T
    grey = np.zeros(region.shape) if panel.image is None else panel.image[where].T
    inside = panel.image[panel.image > 0] if panel.image is not None else np.ones(1)
    low, high = (float(v) for v in np.percentile(inside[::7] if inside.size > 7 else np.ones(1), (1, 99.5)))
    axis.imshow(grey, cmap="gray", vmin=min(low, high - 1e-6) if panel.image is not None else 0, vmax=high, extent=extent)
    if with_changes and panel.changes is not None:
        changes = panel.changes[where].T
        paint = np.zeros((*changes.shape, 4))
        for value, hexadecimal in CHANGE_COLOURS.items():
            rgb = [int(hexadecimal[i : i + 2], 16) / 255 for i in (1, 3, 5)]
            paint[changes == value] = [*rgb, 0.75]
        axis.imshow(paint, extent=extent, interpolation="nearest")
    elif region.any():
        x = (np.arange(region.shape[1]) + 0.5) * size[0] / region.shape[1]
        y = (np.arange(region.shape[0]) + 0.5) * size[1] / region.shape[0]
        axis.contour(x, y, region.astype(float), levels=[0.5], colors=[colour], linewidths=1.2)


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None}, facecolor=figure.get_facecolor())
    return stream.getvalue()
