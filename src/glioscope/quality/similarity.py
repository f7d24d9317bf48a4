"""How like the fused segmentation each rater's is: one number a rater, region and metric."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.quality.hausdorff import hausdorff

__all__ = ["MEASURES", "METRICS", "POOLED", "Measure", "Metric", "Similarities", "dice", "pool_regions", "similarities"]

Similarities = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Rater -> region -> metric -> value."""

Measure = Callable[[NDArray[np.bool_], NDArray[np.bool_], Sequence[float]], float]
"""Compares a rater's mask with the fused one, given the spacing in mm."""

POOLED = "mean"
"""Name of the region that stands for the mean over all regions."""


@dataclass(frozen=True)
class Metric:
    """What a similarity metric means.

    Attributes:
        higher_is_better: False for distances; the thresholds of these are found on their additive inverse.
        unit: Of its values, empty for a share.
        definition: One sentence.
    """

    name: str
    title: str
    higher_is_better: bool
    unit: str
    definition: str

    @property
    def sign(self) -> int:
        """1, or -1 for the additive inverse."""
        return 1 if self.higher_is_better else -1


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        m.name: m
        for m in (
            Metric("dice", "Dice", True, "", "2|A∩B| / (|A|+|B|), from 0 to 1; 1 where both masks are empty."),
            Metric(
                "hausdorff",
                "Hausdorff distance",
                False,
                "mm",
                "Largest distance in mm from the centre of a surface voxel of one mask to the nearest of the other; 0 where "
                "both are empty, infinite where one is.",
            ),
            Metric(
                "hd95",
                "HD95",
                False,
                "mm",
                "The larger of the two directed 95th percentiles, in mm, of the distances between the centres of surface "
                "voxels; 0 where both masks are empty, infinite where one is.",
            ),
        )
    }
)


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_], spacing: Sequence[float] = ()) -> float:
    """Dice of two masks, from 0 to 1; 1 where both are empty. `spacing` does not matter."""
    total = int(np.count_nonzero(a)) + int(np.count_nonzero(b))
    return 2 * int(np.count_nonzero(a & b)) / total if total else 1.0


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {"dice": dice, "hausdorff": hausdorff, "hd95": partial(hausdorff, percentile=95)}
)
"""The functions of METRICS."""


def similarities(
    masks: Mapping[str, Mapping[str, NDArray[np.bool_]]],
    fused: Mapping[str, NDArray[np.bool_]],
    spacing: Sequence[float],
    measures: Mapping[str, Measure] = MEASURES,
) -> dict[str, dict[str, dict[str, float]]]:
    """Compare each rater's regions with the fused ones.

    Args:
        masks: Rater -> region -> boolean mask, all of one shape; a rater may not know a region.
        fused: Region -> boolean mask of the same shape.
        spacing: Edge lengths of a voxel in mm.
        measures: Metric's name -> its function.

    Returns:
        Rater -> region -> metric -> value, raters by name.
    """
    return {
        rater: {
            region: {name: float(measure(masks[rater][region], mask, spacing)) for name, measure in measures.items()}
            for region, mask in fused.items()
            if region in masks[rater]
        }
        for rater in sorted(masks)
    }


def pool_regions(table: Similarities) -> dict[str, dict[str, dict[str, float]]]:
    """The mean over regions in place of each of them; a mean over a value that is not finite is NaN."""
    pooled: dict[str, dict[str, dict[str, float]]] = {}
    for rater, regions in table.items():
        metrics = next(iter(regions.values()))
        means = {name: _mean([values[name] for values in regions.values()]) for name in metrics}
        pooled[rater] = {POOLED: means}
    return pooled


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return math.fsum(found) / len(found) if all(map(math.isfinite, found)) else math.nan


def finite_or_none(value: float) -> float | None:
    """A value that JSON can hold: None for NaN and infinities."""
    return value if math.isfinite(value) else None


def number_or_nan(value: Any) -> float:  # noqa: ANN401
    """The inverse of `finite_or_none`."""
    return math.nan if value is None else float(value)
