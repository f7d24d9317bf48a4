"""What a network said of a held-out exam, in a small file."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Grid
from glioscope.core.files import write_bytes
from glioscope.training.recipe_schema import Target

__all__ = ["StoredPrediction", "read_prediction", "write_prediction"]

_LEAST, _MARGIN = 0.05, 12


@dataclass(frozen=True, eq=False)
class StoredPrediction:
    """What a network said of one held-out exam, cut to where something is.

    Attributes:
        probabilities: Name of the target -> float16 (x, y, z).
        reference: uint8 (x, y, z), label values of the recipe's scheme.
        grid: Of the box.
    """

    probabilities: Mapping[str, NDArray[np.float16]]
    reference: NDArray[np.uint8]
    grid: Grid


def write_prediction(
    path: Path, probabilities: NDArray[np.floating[Any]], reference: NDArray[np.uint8], grid: Grid, target: Target
) -> None:
    """Write the box in which the reference has a label or a probability reaches 0.05, with a margin.

    Args:
        path: File to write.
        probabilities: (K, X, Y, Z), background first where the target is of labels.
        reference: (X, Y, Z).
        grid: Of both.
        target: What the channels are.

    Raises:
        OutputUnwritable: the file cannot be written.
    """
    inside = probabilities[target.channels - len(target.names) :]
    something = (reference > 0) | (inside >= _LEAST).any(axis=0)
    spans = [np.flatnonzero(something.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    box = tuple(
        slice(max(0, int(s[0]) - _MARGIN), min(n, int(s[-1]) + 1 + _MARGIN)) if s.size else slice(0, 1)
        for s, n in zip(spans, reference.shape, strict=True)
    )
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        names=np.array(target.names),
        probabilities=inside[:, *box].astype(np.float16),
        reference=reference[box],
        affine=grid.cropped([part.start for part in box], [part.stop for part in box]).affine,
    )
    write_bytes(path, stream.getvalue())


def read_prediction(path: Path) -> StoredPrediction:
    """What `write_prediction` wrote."""
    with np.load(path) as stored:
        return StoredPrediction(
            dict(zip(stored["names"].tolist(), stored["probabilities"], strict=True)),
            stored["reference"],
            Grid(stored["reference"].shape, stored["affine"]),
        )
