"""Pictures of growth and of its score, as PNG; the same bytes each time."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core.boxes import box_of
from glioscope.growth.ranking import GrowthRanking

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["growth_picture", "precision_recall_picture"]

DPI = 150
_BLUE, _RED, _BLACK, _GREY = "#4477AA", "#EE6677", "#111111", "#888888"


def _sheet(width: float, height: float, columns: int) -> tuple[Figure, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((width, height), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, columns, squeeze=False)[0]


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def precision_recall_picture(ranking: GrowthRanking) -> bytes:
    """The precision-recall curve in the steps that the average precision sums, the level of chance and the matched volume."""
    figure, (axis,) = _sheet(4.2, 4.0, 1)
    recall, precision = np.r_[0, ranking.recall], np.r_[ranking.precision[0], ranking.precision]
    axis.step(recall, precision, where="pre", color=_BLUE, label=f"average precision {ranking.average_precision:.3f}")
    axis.axhline(ranking.prevalence, color=_GREY, linestyle=":", label=f"chance {ranking.prevalence:.3f}")
    matched = ranking.volume_matched_dice
    axis.plot([matched], [matched], "o", color=_RED, label=f"volume-matched Dice {matched:.3f}")
    axis.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision", aspect="equal")
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, fontsize=8, loc="best")
    return _png(figure)


def growth_picture(
    invasion_time: NDArray[np.float32],
    tissue: NDArray[np.float32],
    spacing: tuple[float, float, float],
    *,
    start: NDArray[np.bool_] | None = None,
    reference: NDArray[np.bool_] | None = None,
) -> bytes:
    """Three planes through the middle of what was invaded: the tissue, the time of invasion, outlines of start and follow-up.

    In the radiological convention: the patient's right is at the left.

    Args:
        invasion_time: (X, Y, Z) in LAS order, +inf where never.
        tissue: (X, Y, Z), drawn in grey.
        spacing: mm.
        start, reference: (X, Y, Z), outlined in black and in red.
    """
    from matplotlib.lines import Line2D

    reached = np.isfinite(invasion_time)
    shown = reached if reference is None else reached | reference
    middle = [int(np.median(places)) for places in np.nonzero(shown)]
    brain = box_of((tissue > 0.1) | shown, (3, 3, 3))
    latest = float(np.quantile(invasion_time[reached], 0.99)) or 1.0
    figure, axes = _sheet(11, 4.2, 3)
    scale: Any = None
    for axis, view, title in zip(axes, (2, 1, 0), ("axial", "coronal", "sagittal"), strict=True):
        sides = [n for n in range(3) if n != view]
        extent = [0, (brain[sides[0]].stop - brain[sides[0]].start) * spacing[sides[0]]]
        extent += [0, (brain[sides[1]].stop - brain[sides[1]].start) * spacing[sides[1]]]
        where = tuple(middle[n] if n == view else brain[n] for n in range(3))
        options: dict[str, Any] = {"origin": "lower", "extent": extent, "interpolation": "nearest"}
        axis.imshow(tissue[where].T, cmap="gray", vmin=0, vmax=1.4, **options)
        times = np.where(reached[where], invasion_time[where], np.nan)
        scale = axis.imshow(times.T, cmap="viridis_r", vmin=0, vmax=latest, alpha=0.75, **options)
        for mask, colour in ((start, _BLACK), (reference, _RED)):
            if mask is not None and mask[where].any():
                axis.contour(mask[where].T, levels=[0.5], colors=[colour], linewidths=1.2, extent=extent, origin="lower")
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()
        if sides[0] == 0:
            axis.text(0.02, 0.5, "R", color="white", fontsize=9, va="center", transform=axis.transAxes)
    outlines = [
        Line2D([], [], color=colour, label=name)
        for mask, colour, name in ((start, _BLACK, "start"), (reference, _RED, "follow-up"))
        if mask is not None
    ]
    if outlines:
        figure.legend(handles=outlines, loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    figure.colorbar(scale, ax=list(axes), shrink=0.7, label="time of invasion")
    return _png(figure)
