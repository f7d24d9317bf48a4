"""What training asks of whoever scores held-out exams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["THRESHOLDS", "Scorer", "mean_dice"]

THRESHOLDS = tuple(n / 20 for n in range(1, 20))
"""What `dice_by_threshold` tries."""


class Scorer(Protocol):
    """Scores of one exam; the workflows give it, so that training itself knows no rules of evaluation. It is pickled."""

    def dice(self, probabilities: NDArray[np.floating[Any]], reference: NDArray[np.uint8]) -> Mapping[str, float]:
        """Dice of each region.

        Args:
            probabilities: (K, X, Y, Z), the network's channels after the activation.
            reference: (X, Y, Z), label values of the recipe's scheme.
        """
        ...

    def dice_by_threshold(
        self, probabilities: NDArray[np.floating[Any]], reference: NDArray[np.uint8]
    ) -> Mapping[str, Sequence[float]]:
        """Region -> Dice of `probability >= t` for each t of THRESHOLDS."""
        ...

    def labels(self, probabilities: NDArray[np.floating[Any]], spacing: Sequence[float]) -> NDArray[np.uint8]:
        """The label map (X, Y, Z) that the probabilities become, with the recipe's post-processing."""
        ...

    def full(
        self,
        probabilities: NDArray[np.floating[Any]],
        reference: NDArray[np.uint8],
        spacing: Sequence[float],
        name: str,
    ) -> Mapping[str, Any]:
        """Every number of the full protocol, JSON-ready, with the recipe's post-processing."""
        ...

    def summary(self, exams: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """Region -> metric -> what it amounts to over the documents that `full` gave, JSON-ready."""
        ...


def mean_dice(exams: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Region -> mean Dice over exams; `dice` -> the mean over the regions, by which models are selected."""
    regions = list(exams[0])
    means = {region: float(np.mean([exam[region] for exam in exams])) for region in regions}
    return {"dice": float(np.mean(list(means.values()))), **{f"dice_{region}": value for region, value in means.items()}}
