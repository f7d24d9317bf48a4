"""The worst exams of a model as outlines, without a voxel of any image."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from glioscope.core import SCHEMES, region_mask

SCHEME = SCHEMES["brats-2023"]
COLOURS = {"WT": "#2c7fb8", "TC": "#d95f0e", "ET": "#31a354"}
COUNT = 3


def draw_failures(records: list[dict[str, Any]], work: Path) -> tuple[list[str], bytes]:
    """The exams with the lowest mean Dice and their picture, a PNG; no names and no bytes where nothing was kept of them.

    Args:
        records: Of one system, as `model/score.py` writes them.
        work: Holds `scores/EXAM.npz` with `labels` and `reference`.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    kept = [r for r in records if (work / "scores" / f"{r['exam']}.npz").is_file()]
    worst = sorted(kept, key=lambda r: float(np.mean([values["dice"] for values in r["regions"].values()])))[:COUNT]
    if not worst:
        return [], b""
    figure, rows = pyplot.subplots(len(worst), 3, figsize=(7.5, 2.6 * len(worst)), layout="constrained", squeeze=False)
    for axes, record in zip(rows, worst, strict=True):
        with np.load(work / "scores" / f"{record['exam']}.npz") as stored:
            labels, reference = stored["labels"], stored["reference"]
        plane = int(np.argmax((labels != reference).sum(axis=(0, 1))))
        tumour = np.nonzero((labels + reference).any(axis=2))
        box = tuple(slice(max(0, int(p.min()) - 12), int(p.max()) + 13) for p in tumour)
        for axis, (region, colour) in zip(axes, COLOURS.items(), strict=True):
            found, truth = (region_mask(m[..., plane], SCHEME, region)[box].T for m in (labels, reference))
            axis.imshow(np.where(truth, 0.75, 1.0), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            if found.any():
                axis.contour(found.astype(float), [0.5], colors=colour, linewidths=1)
            dice = record["regions"][region]["dice"]
            axis.set_title(f"{record['exam']}  {region} {dice:.2f}", fontsize=8)
            axis.set_axis_off()
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110, metadata={"Software": None})
    return [record["exam"] for record in worst], stream.getvalue()
