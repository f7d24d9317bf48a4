"""The log of a fold: a table, and a picture of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from glioscope.core.files import write_bytes, write_text

__all__ = ["write_curves", "write_log"]

_COLOURS = ("#4477AA", "#228833", "#EE6677", "#CCBB44", "#AA3377", "#66CCEE")
_INK, _FAINT = "#222222", "#999999"
_FIRST = ("epoch", "step", "lr", "loss", "seconds", "dice")


def write_log(path: Path, history: Sequence[Mapping[str, float]]) -> None:
    """Write a CSV row for each epoch; cells of epochs without validation are empty. Raises OutputUnwritable."""
    known = dict.fromkeys(key for row in history for key in row)
    columns = [key for key in _FIRST if key in known] + [key for key in known if key not in _FIRST]
    stream = io.StringIO()
    table = csv.DictWriter(stream, columns, lineterminator="\n")
    table.writeheader()
    table.writerows(history)
    write_text(path, stream.getvalue())


def write_curves(path: Path, history: Sequence[Mapping[str, float]], title: str) -> None:
    """Draw loss, learning rate and held-out Dice by epoch as a PNG; raises OutputUnwritable."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure((7, 6), dpi=120, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, sharex=True)
    epochs = [row["epoch"] for row in history]
    figure.suptitle(title, fontsize=11, color=_INK)
    marker = "o" if len(epochs) < 2 else None
    upper.plot(epochs, [row["loss"] for row in history], color=_COLOURS[0], linewidth=1.4, marker=marker, markersize=4)
    upper.set_ylabel("training loss", color=_COLOURS[0])
    rate = upper.twinx()
    rate.plot(epochs, [row["lr"] for row in history], color=_FAINT, linewidth=1, linestyle="--", marker=marker, markersize=4)
    rate.set_ylabel("learning rate", color=_FAINT)
    rate.set_ylim(bottom=0)
    scored = [row for row in history if "dice" in row]
    regions = dict.fromkeys(key for row in scored for key in row if key.startswith("dice_"))
    for colour, key in zip(_COLOURS * 4, regions, strict=False):
        values = [row.get(key, float("nan")) for row in scored]
        name = key.removeprefix("dice_")
        lower.plot([row["epoch"] for row in scored], values, color=colour, linewidth=1.2, marker="o", markersize=3, label=name)
    if scored:
        best = max(scored, key=lambda row: row["dice"])
        means = [row["dice"] for row in scored]
        lower.plot([row["epoch"] for row in scored], means, color=_INK, linewidth=1.8, label="mean")
        lower.axvline(best["epoch"], color=_FAINT, linewidth=0.8, linestyle=":")
        lower.set_title(f"best mean {best['dice']:.3f} at epoch {best['epoch']:.0f}", fontsize=9, color=_INK, loc="left")
        lower.legend(fontsize=8, frameon=False, ncols=4, loc="lower right")
    lower.set_ylim(0, 1.02)
    lower.set_ylabel("Dice of held-out exams")
    lower.set_xlabel("epoch")
    lower.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axis in (upper, lower, rate):
        axis.spines[["top"]].set_visible(False)
        axis.tick_params(colors=_INK, labelsize=8)
    for axis in (upper, lower):
        axis.grid(axis="y", color="#E8E8E8", linewidth=0.6)
        axis.set_axisbelow(True)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    write_bytes(path, stream.getvalue())
