"""The label maps of two cohorts side by side, as PNG."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from glioscope.synthesis.label_statistics import COLUMNS, LabelStatistics

__all__ = ["label_figure"]

DPI = 110
COLOURS = ("#4477AA", "#EE6677", "#228833")
BINS = (
    np.linspace(0, 240, 17),
    np.linspace(0, 1, 13),
    np.linspace(0, 1, 13),
    np.linspace(0, 75, 16),
    np.linspace(0.5, 12.5, 13),
    np.linspace(-0.5, 12.5, 14),
)


def label_figure(cohorts: Mapping[str, Sequence[LabelStatistics]]) -> bytes:
    """Histograms of volumes, ratios, pieces and distance from the midline, and maps of where the tumours lie.

    Args:
        cohorts: Up to three names -> statistics of their label maps.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((13, 6.2), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, 4)
    for number, (column, bins) in enumerate(zip(COLUMNS, BINS, strict=True)):
        axis = panels.flat[number if number < 3 else number + 1]
        for (name, statistics), colour in zip(cohorts.items(), COLOURS, strict=False):
            values = np.array([one.values[number] for one in statistics])
            values = np.clip(values[np.isfinite(values)], bins[0], bins[-1])
            weights = np.full(values.size, 100 / max(1, values.size))
            axis.hist(values, bins, weights=weights, color=colour, alpha=0.35)
            axis.hist(values, bins, weights=weights, color=colour, histtype="step", label=f"{name} ({len(statistics)})")
        axis.set_xlabel(column)
        axis.set_ylabel("% of label maps")
    _map(panels[0, 3], cohorts, 1, "front to back (mm)")
    _map(panels[1, 3], cohorts, 2, "bottom to top (mm)")
    panels[0, 0].legend(frameon=False, fontsize=8)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def _map(axis: Any, cohorts: Mapping[str, Sequence[LabelStatistics]], along: int, name: str) -> None:  # noqa: ANN401
    """Centroids seen from above or from the front."""
    for statistics, colour in zip(cohorts.values(), COLOURS, strict=False):
        points = np.array([one.centroid for one in statistics])
        axis.plot(points[:, 0], points[:, along], "o", color=colour, markersize=3.5, alpha=0.6, markeredgewidth=0)
    axis.axvline(0, color="#BBBBBB", linewidth=0.8)
    axis.set_aspect("equal")
    axis.set_xlabel("right to left (mm): centroids")
    axis.set_ylabel(name)
    if along == 1:
        axis.invert_yaxis()
