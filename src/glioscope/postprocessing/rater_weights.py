"""Several raters' region probabilities to one, each rater with a weight of its own in each region."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InvalidImage

__all__ = ["RaterWeights"]

Regions = Mapping[str, NDArray[np.floating[Any]]]


@dataclass(frozen=True)
class RaterWeights:
    """The weighted mean of probabilities, label-wise.

    Source: BraTS 2024 post-treatment ensemble, section 2.5: weights estimated on held-out exams, for each label separately.

    Attributes:
        values: Region -> rater -> weight, at least 0 and not all 0; they need not sum to 1.
    """

    values: Mapping[str, Mapping[str, float]]

    def __post_init__(self) -> None:
        for region, weights in self.values.items():
            if not all(isinstance(w, int | float) and np.isfinite(w) and w >= 0 for w in weights.values()) or not any(
                weights.values()
            ):
                raise InvalidImage(f"The weights of {region} must be numbers from 0 on, and not all of them 0.")

    @property
    def raters(self) -> list[str]:
        """Every rater that has a weight somewhere."""
        return sorted({rater for weights in self.values.values() for rater in weights})

    def of(self, names: Sequence[str]) -> dict[str, tuple[float, ...]]:
        """Region -> the weights of the raters `names`, in that order.

        Raises:
            InvalidImage: a rater with a weight is missing, or one has no weight.
        """
        self._all_in(names)
        for region, weights in self.values.items():
            if lacking := [name for name in names if name not in weights]:
                raise InvalidImage(f"There is no weight for rater '{lacking[0]}' in {region}; {', '.join(weights)} have one.")
        return {region: tuple(float(weights[name]) for name in names) for region, weights in self.values.items()}

    def _all_in(self, names: Collection[str]) -> None:
        if missing := sorted(set(self.raters) - set(names)):
            raise InvalidImage(
                f"The weights are for {', '.join(self.raters)}; {', '.join(missing)} is not among the raters given: "
                f"{', '.join(sorted(names))}."
            )

    def apply(self, raters: Mapping[str, Regions]) -> dict[str, NDArray[np.floating[Any]]]:
        """The weighted mean of each region; a region without weights is the plain mean. Rater order never matters.

        Args:
            raters: Rater -> region -> probabilities in [0, 1], all of one shape.

        Raises:
            InvalidImage: a rater with a weight is missing, one without a weight is there, or shapes differ.
        """
        self._all_in(raters)
        regions = sorted({region for found in raters.values() for region in found})
        return {
            region: self._mean(region, {r: raters[r][region] for r in sorted(raters) if region in raters[r]})
            for region in regions
        }

    def _mean(self, region: str, maps: Regions) -> NDArray[np.floating[Any]]:
        weights = self.values.get(region) or dict.fromkeys(maps, 1.0)
        unknown = sorted(set(maps) ^ set(weights))
        if unknown:
            raise InvalidImage(f"In {region}, {', '.join(unknown)} has a weight or a map but not both.")
        if len({values.shape for values in maps.values()}) > 1:
            raise InvalidImage(f"The raters' probabilities of {region} differ in shape.")
        total = math.fsum(weights.values())
        # In double precision and in the order of the names, so that the last bit does not depend on who came first.
        mean = sum(np.float64(weights[name] / total) * maps[name] for name in maps)
        return np.asarray(mean, np.float32).clip(0, 1)
