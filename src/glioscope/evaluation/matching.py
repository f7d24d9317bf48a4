"""Which lesion of the prediction meets which of the reference, and how much they share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from glioscope.evaluation.lesions import Lesions

__all__ = ["Match"]


class Match:
    """Lesions of a reference and of a prediction in the same box.

    Attributes:
        reference: Lesions of the reference.
        prediction: Lesions of the prediction.
        shared: (reference number, predicted number) -> voxels in both; number 0 collects parts left out.
        partners: Reference number -> ascending predicted numbers that meet the lesion or, where it has one, its reach.
    """

    def __init__(self, reference: Lesions, prediction: Lesions) -> None:
        self.reference, self.prediction = reference, prediction
        voxels = prediction.parts.voxels
        theirs = prediction.numbers[prediction.parts.at(voxels)]
        parts = reference.parts.at(voxels)
        inside = reference.parts.mask.ravel()[voxels]
        self.shared = dict(_count_pairs(reference.numbers[parts[inside]], theirs[inside]))
        near = dict(_count_pairs(reference.numbers[parts], theirs))
        self.partners: dict[int, list[int]] = {number: [] for number in _used(reference)}
        for mine, other in sorted(near):
            if mine and other:
                self.partners[mine].append(other)
        met = {other for partners in self.partners.values() for other in partners}
        self.strays = [number for number in _used(prediction) if number not in met]

    @property
    def voxels_in_both(self) -> int:
        """Voxels in both maps, lesions and parts left out alike."""
        return sum(self.shared.values())


def _used(lesions: Lesions) -> list[int]:
    return sorted({int(number) for number in lesions.numbers[1:]} - {0})


def _count_pairs(mine: NDArray[np.int64], theirs: NDArray[np.int64]) -> Iterator[tuple[tuple[int, int], int]]:
    """How often each pair of numbers occurs."""
    width = int(theirs.max(initial=0)) + 1
    pairs = mine * width + theirs
    if int(mine.max(initial=0)) * width < 4 * len(pairs) + 1024:
        counts = np.bincount(pairs, minlength=1)
        keys = np.flatnonzero(counts)
        counts = counts[keys]
    else:
        keys, counts = np.unique(pairs, return_counts=True)
    for key, count in zip(keys, counts, strict=True):
        yield (int(key // width), int(key % width)), int(count)
