"""From region probabilities to labels: a threshold a region, in nested order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InvalidImage, Scheme
from glioscope.postprocessing.components import components, keep_numbers
from glioscope.postprocessing.regions import largest_first, own_label, parents

__all__ = ["PUBLISHED_THRESHOLDS", "Thresholds"]

PUBLISHED_THRESHOLDS: Mapping[str, float] = {"WT": 0.45, "TC": 0.40, "ET": 0.45}
"""Source: optimisation framework for BraTS 2023 (U-Net), section 2.5."""


@dataclass(frozen=True)
class Thresholds:
    """A voxel is in a region where the probability reaches the threshold and it is in every larger region that contains it.

    With WT, TC and ET: background below the threshold of WT, else ED below that of TC, else NCR below that of ET, else ET
    (source: section 2.5). Regions that no other contains (RC) are painted over what comes before them in the scheme.

    Attributes:
        values: Region -> threshold, above 0 and at most 1.
        least_mean: Region -> the mean probability that a component of it (26 neighbours) must reach to be believed. What a
            network was never sure of in any part, such as coil shading taken for oedema, is told from a tumour by it.
    """

    values: Mapping[str, float]
    least_mean: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for region in self.least_mean:
            if region not in self.values:
                raise InvalidImage(f"There is a least mean for {region}, and no threshold.")
        for region, value in [*self.values.items(), *self.least_mean.items()]:
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not 0 < value <= 1:
                raise InvalidImage(f"The threshold of {region} is a number above 0 and at most 1, not {value!r}.")

    def apply(self, probabilities: Mapping[str, NDArray[np.floating[Any]]], scheme: Scheme) -> NDArray[np.uint8]:
        """The label map in `scheme`.

        Args:
            probabilities: Region -> values in [0, 1], all of one 3-D shape. A region without a threshold is not looked at,
                and a threshold without its region is not applied.
            scheme: Numbering wanted.

        Raises:
            InvalidImage: no region with a threshold, shapes that differ, values outside [0, 1] or not finite, or a region that
                the scheme does not define.
        """
        used = [region for region in largest_first(scheme, self.values) if region in probabilities]
        if not used:
            raise InvalidImage(
                f"There is a threshold for {', '.join(self.values)}, and no probability of any of these regions."
            )
        shape = probabilities[used[0]].shape
        labels = np.zeros(shape, np.uint8)
        inside: dict[str, NDArray[np.bool_]] = {}
        for region in used:
            values = probabilities[region]
            check_probabilities(region, values, shape)
            mask = np.asarray(values >= self.values[region])
            for larger in parents(scheme, region, inside):
                mask &= inside[larger]
            if region in self.least_mean:
                mask = _believed(mask, values, self.least_mean[region])
            inside[region] = mask
            labels[mask] = own_label(scheme, region)
        return labels


def _believed(mask: NDArray[np.bool_], values: NDArray[Any], least: float) -> NDArray[np.bool_]:
    parts, sizes = components(mask, 26)
    sums = np.bincount(parts.ravel(), values.ravel(), len(sizes))
    return keep_numbers(parts, (sizes > 0) & (sums >= least * sizes)) > 0


def check_probabilities(region: str, values: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Raise InvalidImage for probabilities that are none."""
    if values.ndim != 3:
        raise InvalidImage(f"The probabilities of {region} have {values.ndim} axes; three are needed.")
    if values.shape != shape:
        raise InvalidImage(f"The probabilities of {region} have {values.shape} voxels, those of another region {shape}.")
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        raise InvalidImage(f"The probabilities of {region} are not all numbers from 0 to 1.")
