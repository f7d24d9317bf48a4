"""What a network said of a held-out exam, in a small file."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Grid, InputUnreadable
from glioscope.core.boxes import box_of
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
    box = box_of(something, (_MARGIN,) * 3) if something.any() else (slice(0, 1),) * 3
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
    """What `write_prediction` wrote; raises InputUnreadable where the file is damaged."""
    try:
        with np.load(path) as stored:
            return StoredPrediction(
                dict(zip(stored["names"].tolist(), stored["probabilities"], strict=True)),
                stored["reference"],
                Grid(stored["reference"].shape, stored["affine"]),
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        raise InputUnreadable(
            f"'{path}' is damaged; remove it with its .json and the fold's validation.json, and train again to have it anew."
        ) from None
