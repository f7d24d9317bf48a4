"""What the label maps of a cohort are like: how large the parts of its tumours are and where they lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import SCHEMES, InvalidImage, Volume, numbering_of

__all__ = ["COLUMNS", "LabelStatistics", "label_statistics", "quartiles"]

COLUMNS = (
    "whole tumour (ml)",
    "core / whole tumour",
    "enhancing / core",
    "distance from midline (mm)",
    "pieces of whole tumour",
    "pieces of core",
)

_EVERY_DIRECTION = np.ones((3, 3, 3), bool)


@dataclass(frozen=True)
class LabelStatistics:
    """The statistics of one label map.

    Attributes:
        values: One number for each of `COLUMNS`; NaN where there is nothing to divide by or to locate.
        centroid: Of the whole tumour, mm from the middle of the grid to the left, backwards and up; NaN without tumour.
    """

    values: tuple[float, ...]
    centroid: tuple[float, float, float]


def label_statistics(labels: Volume) -> LabelStatistics:
    """The statistics of one label map; a resection cavity does not count.

    Args:
        labels: Scheme `brats-2021`, `brats-2023` or `brats-2024-gli` (a 4 beside a 3 is a cavity), in atlas space: the midline
            is taken to be in the middle of the grid.

    Raises:
        InvalidImage: a value is not 0 to 4.
    """
    known = labels.reoriented("LPS")
    if known.data.size and known.data.max() > 4:
        raise InvalidImage(f"The label map has the value {known.data.max()}, which no glioma scheme of BraTS defines.")
    enhancing = 4 if numbering_of(known.data, SCHEMES["brats-2023"]).name == "brats-2021" else 3
    spacing = known.grid.spacing
    et, core = known.data == enhancing, np.isin(known.data, (1, enhancing))
    whole = core | (known.data == 2)
    ml = [float(mask.sum()) * known.grid.voxel_volume / 1000 for mask in (whole, core, et)]
    places = np.argwhere(whole)
    middle = (np.array(known.grid.shape) - 1) / 2
    x, y, z = (places.mean(axis=0) - middle) * spacing if len(places) else (np.nan,) * 3
    values = (ml[0], _part(ml[1], ml[0]), _part(ml[2], ml[1]), abs(float(x)), _pieces(whole), _pieces(core))
    return LabelStatistics(values, (float(x), float(y), float(z)))


def quartiles(cohort: list[LabelStatistics]) -> NDArray[np.float64]:
    """5th, 25th, 50th, 75th and 95th percentile of each column, shape (columns, 5); NaN where no map has a value."""
    table = np.array([one.values for one in cohort], np.float64).reshape(-1, len(COLUMNS))
    out = np.full((len(COLUMNS), 5), np.nan)
    for row, column in zip(out, table.T, strict=True):
        known = column[np.isfinite(column)]
        if known.size:
            row[:] = np.percentile(known, [5, 25, 50, 75, 95])
    return out


def _part(a: float, b: float) -> float:
    return a / b if b else float("nan")


def _pieces(mask: NDArray[np.bool_]) -> float:
    return float(ndimage.label(mask, _EVERY_DIRECTION)[1])
