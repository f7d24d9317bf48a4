"""Native T1, contrast T1 and their subtraction side by side, so that blood can be told from enhancement; as PNG."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from glioscope.core import Label, Scheme, Sequence, Volume
from glioscope.reporting.figures import _legend, _panel, _Sheet
from glioscope.reporting.outlines import Outline
from glioscope.reporting.views import make_scene

__all__ = ["subtraction_figure"]

_OUTLINES = [
    Outline("ET", "Enhancing label", (1, 2), "#EE6677"),
    Outline("bright", "… of which bright on native T1", (2,), "#66CCEE"),
]
_SCHEME = Scheme("subtraction", {1: Label("ET", "", ""), 2: Label("bright", "", "")}, {"ET": (1, 2), "bright": (2,)})
_WINDOW = (-3.0, 9.0)
"""Of the subtraction, in standard deviations of its noise."""


def subtraction_figure(
    t1n: Volume, t1c: Volume, subtraction: Volume, labels: Volume, brain: Volume, *, slices: int = 2
) -> bytes:
    """One row an axial slice: native T1, contrast T1, contrast minus native T1, with the enhancing label outlined.

    The slices are those in which the label has its largest area, at least 6 mm apart; through the middle of the brain where it
    is empty. The patient's right is on the left.

    Args:
        t1n, t1c, subtraction: On one grid, the last in standard deviations of its noise.
        labels: 1 enhancing label, 2 the part of it that is bright on native T1.
        brain: Brain mask.
        slices: How many at most.
    """
    images = {Sequence.T1N: t1n, Sequence.T1C: t1c}
    scene = make_scene(images, labels, _SCHEME, brain)
    dark = subtraction.with_data(np.where(brain.data > 0, subtraction.data, _WINDOW[0]).astype(np.float32))
    over = make_scene({Sequence.T1C: dark}, labels, _SCHEME, brain)
    over = replace(over, windows={Sequence.T1C: _WINDOW})
    area = (scene.labels.data > 0).sum(axis=(0, 1))
    apart = max(1, round(6 / float(scene.labels.grid.spacing[2])))
    chosen: list[int] = []
    for index in np.argsort(-area, kind="stable"):
        if area[index] and len(chosen) < slices and all(abs(int(index) - c) >= apart for c in chosen):
            chosen.append(int(index))
    shown = sorted(chosen, reverse=True) or [scene.focus[2]]
    width, height = scene.size_mm("axial")
    titles = ["T1", "T1 + contrast", "Contrast minus native"]
    places = [f"z = {scene.position_mm('axial', index):.0f} mm" for index in shown]
    sheet = _Sheet(titles, places, [width] * 3, [height] * len(shown))
    for row, index in enumerate(shown):
        panels = ((scene, Sequence.T1N), (scene, Sequence.T1C), (over, Sequence.T1C))
        for column, (view, sequence) in enumerate(panels):
            _panel(sheet, (row, column), view, sequence, "axial", drawn=_OUTLINES, index=index)
    _legend(sheet, scene, _OUTLINES)
    return sheet.png(_OUTLINES)
