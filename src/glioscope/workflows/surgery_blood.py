"""How much of the enhancing label is bright on native T1 already, and the picture that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InvalidImage, Scheme, Volume, read_labels, read_volume, region_mask
from glioscope.measurement.surgery import bright_on_t1n, residual_verdict
from glioscope.normalisation import matched_subtraction

__all__ = ["Blood", "look_for_blood"]


@dataclass(frozen=True, eq=False)
class Blood:
    """What may be blood.

    Attributes:
        t1n, t1c, subtraction: The images on one grid.
        labels: 1 where the label says enhancing tumour, 2 where that is bright on native T1.
        brain: Brain mask.
        enhancing_ml: The whole enhancing label, as measured on the exam's own grid.
        cut_ml: From which volume on tumour is left.
    """

    t1n: Volume
    t1c: Volume
    subtraction: Volume
    labels: Volume
    brain: Volume
    enhancing_ml: float
    cut_ml: float

    @property
    def share(self) -> float:
        """Of the enhancing label that is bright on native T1."""
        counts = np.bincount(self.labels.data.ravel(), minlength=3)
        return float(counts[2] / max(1, counts[1] + counts[2]))

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        bright = self.share * self.enhancing_ml
        return {
            "bright_on_t1n_ml": round(bright, 4),
            "bright_on_t1n_percent": round(100 * self.share, 1),
            "without_bright": residual_verdict(self.enhancing_ml - bright, self.cut_ml).document(),
        }

    def picture(self) -> bytes:
        """Native T1, contrast T1 and their subtraction with the outlines, as PNG."""
        from glioscope.reporting.subtraction_figure import subtraction_figure

        return subtraction_figure(self.t1n, self.t1c, self.subtraction, self.labels, self.brain)


def look_for_blood(
    files: tuple[Path, Path, Path | None, Path], scheme: Scheme, region: str, enhancing_ml: float, cut_ml: float
) -> Blood:
    """Compare the enhancing label with native T1.

    Args:
        files: Native T1, contrast T1, brain mask (or None for skull-stripped images) and label map, on one grid.
        scheme: Of the label map.
        region: Its enhancing tumour.
        enhancing_ml: Volume of that on the exam's own grid.
        cut_ml: From which volume on tumour is left.

    Raises:
        InputUnreadable, InvalidImage: a file cannot be read, they lie on different grids, or the brain is not known.
    """
    t1n, t1c, labels = read_volume(files[0]), read_volume(files[1]), read_labels(files[3])
    brain = read_labels(files[2]) if files[2] else _stripped(t1n, t1c)
    for path, volume in zip(files, (t1n, t1c, brain), strict=False):
        if not volume.grid.same_as(labels.grid):
            told = f"'{path.name}'" if path else "The brain"
            raise InvalidImage(f"{told} does not lie on the grid of '{files[3].name}'; bring both to one grid first.")
    inside = brain.data > 0
    enhancing = region_mask(labels.data, scheme, region)
    normal = inside & (labels.data == 0)
    bright, _ = bright_on_t1n(t1n.data, enhancing, normal)
    shown: NDArray[np.uint8] = enhancing.astype(np.uint8) + bright.astype(np.uint8)
    difference = np.where(inside, matched_subtraction(t1n.data, t1c.data, normal), 0).astype(np.float32)
    return Blood(t1n, t1c, t1c.with_data(difference), labels.with_data(shown), brain, enhancing_ml, cut_ml)


def _stripped(t1n: Volume, t1c: Volume) -> Volume:
    from glioscope.inspection.skullstripped import is_skull_stripped

    if not t1n.grid.same_as(t1c.grid) or not is_skull_stripped(t1c):
        raise InvalidImage("The T1 images show more than the brain, or lie on two grids; give the brain's mask with --brain.")
    return t1c.with_data(((t1n.data != 0) & (t1c.data != 0)).astype(np.uint8))
