"""An exam after pre-processing: what segmenters, measurements and reports start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from glioscope.core.exam import Exam
from glioscope.core.sequence import Sequence

__all__ = ["Prepared"]


@dataclass(frozen=True)
class Prepared:
    """Files of one pre-processed exam.

    Attributes:
        exam: The exam as it came.
        space: Name of the atlas whose grid `images` lie on (`SRI24`, `MNI152`), or `orig` for an exam that came prepared.
        images: Sequence -> skull-stripped volume, all on one grid in `space`.
        brain_mask: Brain mask on the grid of `images`.
        native_images: Sequence -> volume with its skull (as far as it came with one) on the native grid; the reference
            sequence is the file as it came.
        native_brain_mask: Brain mask on the native grid.
        to_native: Transform file that takes native world points to atlas world points, so that `resample(atlas_volume,
            native_grid, transform)` brings a result home; None where `space` is `orig`.
        from_native: Transform file of the other way, for what lies on the native grid to be brought to `space`.
    """

    exam: Exam
    space: str
    images: Mapping[Sequence, Path]
    brain_mask: Path
    native_images: Mapping[Sequence, Path]
    native_brain_mask: Path
    to_native: Path | None
    from_native: Path | None = None
