"""Pictures of held-out exams: what the network found, over what the expert drew."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Scheme
from glioscope.core.files import write_bytes

__all__ = ["write_overlay"]

_SLICES = 4


def write_overlay(
    path: Path,
    image: NDArray[np.floating[Any]],
    reference: NDArray[np.uint8],
    found: NDArray[np.uint8],
    scheme: Scheme,
    title: str,
) -> None:
    """Draw axial slices through the tumour, the expert's labels above and the network's below, as a PNG.

    Args:
        path: File to write.
        image: (X, Y, Z), one channel of the network's input, in RAS.
        reference: (X, Y, Z), the expert's label map.
        found: (X, Y, Z), the network's.
        scheme: Of both; gives the colours.
        title: Above the picture.

    Raises:
        OutputUnwritable: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    levels = _levels(reference, found)
    figure = Figure((2.2 * len(levels), 5.2), dpi=110, layout="constrained", facecolor="black")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=9, color="white")
    axes = figure.subplots(2, len(levels), squeeze=False)
    low, high = np.percentile(image[image != 0], (1, 99.5)) if (image != 0).any() else (0.0, 1.0)
    shown_image = np.where(image == 0, low, image)  # what lies outside the brain is black
    for row, (labels, name) in enumerate(((reference, "expert"), (found, "network"))):
        for column, level in enumerate(levels):
            axis = axes[row, column]
            axis.imshow(_turned(shown_image[:, :, level]), cmap="gray", vmin=low, vmax=max(high, low + 1e-6))
            axis.imshow(_coloured(_turned(labels[:, :, level]), scheme), interpolation="nearest")
            axis.set_axis_off()
            if not column:
                axis.set_title(name, fontsize=8, color="white", loc="left")
    shown = [value for value in scheme.labels if (reference == value).any() or (found == value).any()]
    patches = [Patch(color=scheme.labels[value].colour, label=scheme.labels[value].name) for value in shown]
    if patches:
        figure.legend(
            handles=patches, loc="outside lower center", ncols=len(patches), fontsize=8, frameon=False, labelcolor="white"
        )
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None}, facecolor="black")
    write_bytes(path, stream.getvalue())


def _levels(reference: NDArray[np.uint8], found: NDArray[np.uint8]) -> list[int]:
    """Slices spread over where either has a tumour; over the whole volume where none has."""
    something = ((reference > 0) | (found > 0)).any(axis=(0, 1))
    heights = np.flatnonzero(something) if something.any() else np.arange(reference.shape[2])
    places = np.linspace(heights[0], heights[-1], _SLICES + 2)[1:-1].round()
    return sorted({int(place) for place in places})


def _turned(plane: NDArray[Any]) -> NDArray[Any]:
    """A RAS plane as radiologists see it: the patient's right at the left, the front above."""
    return plane.T[::-1, ::-1]


def _coloured(labels: NDArray[np.uint8], scheme: Scheme) -> NDArray[np.float32]:
    picture = np.zeros((*labels.shape, 4), np.float32)
    for value, label in scheme.labels.items():
        colour = [int(label.colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        picture[labels == value] = [*colour, 0.55]
    return picture
