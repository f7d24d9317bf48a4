"""Pictures of a cohort's scores, as PNG; the same bytes each time."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glioscope.core.errors import InvalidImage
from glioscope.evaluation.scores import LesionScores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["bland_altman_plot", "box_plot", "lesion_size_plot"]

DPI = 150
_INK, _FAINT = "#222222", "#BBBBBB"
_COLOURS = ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377")  # Paul Tol's "bright": safe for the colour-blind
_MARKERS = ("o", "s", "^", "D", "v", "P")
_UNITS = {"hd95": "mm", "volume": "mm³"}


def _sheet(width: float, height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, Any]:  # noqa: ANN401
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((width, height), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(colors=_INK, labelsize=8)
        axis.grid(axis="y", color="#E8E8E8", linewidth=0.6)
        axis.set_axisbelow(True)
    return figure, axes


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def _style(number: int) -> dict[str, Any]:
    return {"color": _COLOURS[number % len(_COLOURS)], "marker": _MARKERS[number % len(_MARKERS)]}


def _label(metric: str) -> str:
    unit = next((unit for part, unit in _UNITS.items() if part in metric), None)
    words = metric.replace("_", " ")
    return f"{words} ({unit})" if unit else words


def _jitter(count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Offsets in [-0.5, 0.5] that spread points evenly without chance (the golden ratio's multiples)."""
    return np.asarray((np.arange(count) * 0.6180339887498949) % 1 - 0.5)


def box_plot(values: Mapping[str, Mapping[str, Sequence[float]]], metric: str) -> bytes:
    """One box a system in each region, with every case as a point.

    The box spans the quartiles, the line is the median, the diamond the mean, the whiskers reach the furthest case within 1.5
    quartile ranges; values that are not finite are left out.

    Args:
        values: System -> region -> one value a case.
        metric: Name of what is drawn, for the axis.

    Raises:
        InvalidImage: nothing to draw.
    """
    finite = {
        system: {region: [v for v in column if np.isfinite(v)] for region, column in regions.items()}
        for system, regions in values.items()
    }
    regions = list(dict.fromkeys(region for by_region in finite.values() for region, column in by_region.items() if column))
    if not regions:
        raise InvalidImage(f"There is no finite value of '{metric}' to draw.")
    width = 0.8 / len(finite)
    figure, axes = _sheet(max(3.6, 1.2 + len(regions) * (0.5 + 0.38 * len(finite))), 3.8)
    axis = axes[0, 0]
    for number, (system, by_region) in enumerate(finite.items()):
        style = _style(number)
        for place, region in enumerate(regions):
            column = by_region.get(region, [])
            if not column:
                continue
            x = place + (number - (len(finite) - 1) / 2) * width
            axis.scatter(x + _jitter(len(column)) * width * 0.55, column, s=8, alpha=0.45, linewidths=0, **style)
            axis.boxplot(
                [column],
                positions=[x],
                widths=width * 0.7,
                showfliers=False,
                showmeans=True,
                manage_ticks=False,
                medianprops={"color": _INK, "linewidth": 1.4},
                boxprops={"color": style["color"]},
                whiskerprops={"color": style["color"]},
                capprops={"color": style["color"]},
                meanprops={"marker": "D", "markersize": 4, "markerfacecolor": "white", "markeredgecolor": _INK},
            )
        axis.scatter([], [], label=system, **style)
    axis.set_xticks(
        range(len(regions)), [f"{region}\nn = {max(len(f.get(region, [])) for f in finite.values())}" for region in regions]
    )
    axis.set_ylabel(_label(metric), fontsize=9)
    if len(finite) > 1:
        figure.legend(loc="outside upper center", ncols=min(4, len(finite)), fontsize=8, frameon=False)
    return _png(figure)


def lesion_size_plot(lesions: Mapping[str, Sequence[LesionScores]]) -> bytes:
    """Dice of each lesion against its volume in the reference, and the share of lesions found, by size.

    Above: points are found lesions, crosses at 0 missed ones, open triangles below 0 predicted lesions that match none, at
    their own volume. Below: share of the reference's lesions found in each half decade of volume, with their number.

    Args:
        lesions: Region -> its lesions over all cases; those that the protocol leaves out (`counted` false) are not drawn.

    Raises:
        InvalidImage: no lesion at all.
    """
    drawn = {region: [lesion for lesion in found if lesion.counted] for region, found in lesions.items()}
    drawn = {region: found for region, found in drawn.items() if found}
    if not drawn:
        raise InvalidImage("There is no lesion to draw.")
    figure, axes = _sheet(2.0 + 2.6 * len(drawn), 5.0, 2, len(drawn), sharex=True, sharey="row", height_ratios=(3, 1.3))
    for number, (region, found) in enumerate(drawn.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        above, below = axes[0, number], axes[1, number]
        real = [lesion for lesion in found if lesion.kind != "fp"]
        hits = [lesion for lesion in real if lesion.kind == "tp"]
        missed = [lesion for lesion in real if lesion.kind == "fn"]
        false = [lesion for lesion in found if lesion.kind == "fp"]
        above.axhline(0, color=_FAINT, linewidth=0.8)
        above.scatter(
            [m.reference_volume_mm3 / 1000 for m in hits], [m.scores["dice"] for m in hits], s=14, color=colour, alpha=0.7
        )
        above.scatter(
            [m.reference_volume_mm3 / 1000 for m in missed], [0] * len(missed), s=22, marker="x", color=_INK, linewidths=1
        )
        above.scatter(
            [m.predicted_volume_mm3 / 1000 for m in false],
            [-0.07] * len(false),
            s=16,
            marker="v",
            facecolors="none",
            edgecolors=_INK,
        )
        above.set_title(f"{region}: ● {len(hits)} found   × {len(missed)} missed   ▽ {len(false)} false", fontsize=9)
        above.set_xscale("log")
        above.set_ylim(-0.12, 1.03)
        _detection(below, real, colour)
        below.set_xlabel("lesion volume (ml)", fontsize=9)
    axes[0, 0].set_ylabel("Dice of the lesion", fontsize=9)
    axes[1, 0].set_ylabel("share found", fontsize=9)
    return _png(figure)


def _detection(axis: Any, real: Sequence[LesionScores], colour: str) -> None:  # noqa: ANN401
    """Bars: share of reference lesions found per half decade of volume."""
    axis.set_ylim(0, 1.15)
    if not real:
        return
    bins = np.floor(2 * np.log10([lesion.reference_volume_mm3 / 1000 for lesion in real])).astype(int)
    found = np.array([lesion.kind == "tp" for lesion in real])
    for place in np.unique(bins):
        inside = bins == place
        left, right = 10 ** (place / 2), 10 ** ((place + 1) / 2)
        share = found[inside].mean()
        axis.bar(left, share, width=right - left, align="edge", color=colour, alpha=0.5, edgecolor="white", linewidth=1)
        axis.text((left * right) ** 0.5, share + 0.02, str(int(inside.sum())), ha="center", va="bottom", fontsize=7, color=_INK)


def bland_altman_plot(volumes: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> bytes:
    """Difference of two volumes against their mean, one panel a region, with bias and limits of agreement.

    Args:
        volumes: Region -> (reference, predicted), one number a case each, in ml.

    Raises:
        InvalidImage: no case.

    Source: Bland and Altman, Lancet 327 (1986): limits are the mean difference -/+ 1.96 SD of the differences.
    """
    drawn = {region: pair for region, pair in volumes.items() if len(pair[0])}
    if not drawn:
        raise InvalidImage("There is no volume to draw.")
    figure, axes = _sheet(1.0 + 3.0 * len(drawn), 3.6, 1, len(drawn))
    for number, (region, (reference, predicted)) in enumerate(drawn.items()):
        axis = axes[0, number]
        a, b = np.asarray(reference, np.float64), np.asarray(predicted, np.float64)
        mean, difference = (a + b) / 2, b - a
        bias = float(difference.mean())
        axis.axhline(0, color=_FAINT, linewidth=0.8)
        axis.axhline(bias, color=_INK, linewidth=1.2)
        title = f"{region}, n = {len(a)}\nbias {bias:+.2f} ml"
        if len(a) > 1:
            reach = 1.96 * float(difference.std(ddof=1))
            for limit in (bias - reach, bias + reach):
                axis.axhline(limit, color=_INK, linewidth=1, linestyle="--")
            title += f", limits {bias - reach:+.2f} to {bias + reach:+.2f} ml"
        axis.scatter(mean, difference, s=14, alpha=0.7, color=_COLOURS[number % len(_COLOURS)])
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("mean of both volumes (ml)", fontsize=9)
    axes[0, 0].set_ylabel("predicted - reference (ml)", fontsize=9)
    return _png(figure)
