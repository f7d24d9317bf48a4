"""Jaccard of every rater and model, with the reference and with the consensus, as PNG; the same bytes each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from glioscope.core.errors import InvalidImage
from glioscope.evaluation.plots import _COLOURS, _INK, _jitter, _png, _sheet

__all__ = ["rater_plot"]


def rater_plot(panels: Mapping[str, Mapping[str, Sequence[float]]], kinds: Mapping[str, str]) -> bytes:
    """One panel a standard, one box a rater, coloured by the kind of rater, with every case as a point.

    The box spans the quartiles, the line is the median, the diamond the mean, the whiskers reach the furthest case within 1.5
    quartile ranges.

    Args:
        panels: What they are compared with (`reference`, `consensus`) -> rater -> one Jaccard a case.
        kinds: Rater -> `novice`, `expert`, `rater`, `model`.

    Raises:
        InvalidImage: nothing to draw.

    Source: Helland et al., Scientific Reports 2023, figure 4.
    """
    drawn = {title: by for title, by in panels.items() if any(by.values())}
    if not drawn:
        raise InvalidImage("There is no agreement of raters to draw.")
    names = list(dict.fromkeys(name for by in drawn.values() for name in by))
    groups = list(dict.fromkeys(kinds[name] for name in names))
    colour = {kind: _COLOURS[number % len(_COLOURS)] for number, kind in enumerate(groups)}
    figure, axes = _sheet(1.2 + len(drawn) * (0.8 + 0.5 * len(names)), 4.2, 1, len(drawn), sharey=True)
    for axis, (title, by) in zip(axes[0], drawn.items(), strict=True):
        for place, name in enumerate(names):
            column = list(by.get(name, ()))
            if not column:
                continue
            shade = colour[kinds[name]]
            axis.scatter(place + _jitter(len(column)) * 0.4, column, s=8, alpha=0.5, linewidths=0, color=shade)
            axis.boxplot(
                [column],
                positions=[place],
                widths=0.6,
                showfliers=False,
                showmeans=True,
                manage_ticks=False,
                medianprops={"color": _INK, "linewidth": 1.4},
                boxprops={"color": shade},
                whiskerprops={"color": shade},
                capprops={"color": shade},
                meanprops={"marker": "D", "markersize": 4, "markerfacecolor": "white", "markeredgecolor": _INK},
            )
        axis.set_xticks(range(len(names)), names, rotation=45, ha="right")
        axis.set_ylim(-0.02, 1.02)
        axis.set_title(f"Compared with the {title}", fontsize=9)
    axes[0, 0].set_ylabel("Jaccard", fontsize=9)
    for kind in groups:
        axes[0, 0].scatter([], [], color=colour[kind], label=kind)
    if len(groups) > 1:
        figure.legend(loc="outside upper center", ncols=len(groups), fontsize=8, frameon=False)
    return _png(figure)
