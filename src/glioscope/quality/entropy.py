"""How undecided a probability is, voxel by voxel, in bits: 0 is sure, 1 a toss-up."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from glioscope.core import InvalidImage

__all__ = ["binary_entropy", "ensemble_entropy"]

_BIT = np.float32(1 / np.log(2))


def binary_entropy(probability: ArrayLike) -> NDArray[np.float32]:
    """−p log2 p − (1−p) log2 (1−p), float32 of the same shape, from 0 to 1.

    Args:
        probability: Of a region, 0 to 1, any shape.

    Raises:
        InvalidImage: values that are no probabilities.
    """
    p = np.asarray(probability, np.float32)
    if p.size and not (p.min() >= 0 and p.max() <= 1):
        raise InvalidImage(
            "A probability map has values outside 0 to 1, or that are not numbers; give probabilities, not logits."
        )
    return np.asarray((special.entr(p) + special.entr(1 - p)) * _BIT)


def ensemble_entropy(
    probabilities: Iterable[ArrayLike],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Mean probability, predictive entropy and mutual information of an ensemble or of test-time augmentations.

    The predictive entropy is that of the mean probability (all uncertainty). The mutual information is what remains of it
    after the members' own mean entropy is taken away: how far they contradict each other; 0 for a single member (Depeweg et
    al. 2018, doi:10.48550/arXiv.1710.07283, section 2).

    Args:
        probabilities: Maps of one region, all of one shape, 0 to 1; read one at a time.

    Returns:
        Three float32 maps of that shape; entropies in bits, 0 to 1.

    Raises:
        InvalidImage: no map, maps of different shapes, or values that are no probabilities.
    """
    total: NDArray[np.float64] | None = None
    own: NDArray[np.float64] | None = None
    members = 0
    for item in probabilities:
        p = np.asarray(item, np.float32)
        entropy = binary_entropy(p)
        if total is None or own is None:
            total, own = np.zeros(p.shape), np.zeros(p.shape)
        if p.shape != total.shape:
            raise InvalidImage(f"Probability maps of one region have different shapes, {total.shape} and {p.shape}.")
        total += p
        own += entropy
        members += 1
    if total is None or own is None:
        raise InvalidImage("There is no probability map to take the uncertainty of.")
    mean = np.asarray(np.clip(total / members, 0, 1), np.float32)
    entropy = binary_entropy(mean)
    return mean, entropy, np.asarray(np.clip(entropy - own / members, 0, 1), np.float32)
