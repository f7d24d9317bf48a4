"""How far raters agree with a reference, with each other, and with the majority of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core.errors import InvalidImage

__all__ = ["INTER_RATER_DEFINITIONS", "InterRater", "inter_rater", "jaccard", "majority_consensus"]

INTER_RATER_DEFINITIONS = {
    "jaccard": "Voxels in both masks over voxels in either, J = D / (2 - D) with Dice D; 1 where both are empty.",
    "consensus": "Voxels marked by more than half of all annotators, the one being compared included (nobody is left out); "
    "compared systems do not vote. It favours the annotators, who took part in it.",
}

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class InterRater:
    """Agreement in one case.

    Attributes:
        with_consensus: Rater (annotators, then compared systems) -> Jaccard with the consensus.
        with_reference: Rater -> Jaccard with the reference; empty where there is none.
        pairwise: Pair of raters -> Jaccard, each pair once, in the order of the raters.
        consensus_voxels: Size of the consensus.
    """

    with_consensus: Mapping[str, float]
    with_reference: Mapping[str, float]
    pairwise: Mapping[tuple[str, str], float]
    consensus_voxels: int

    def document(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "with_consensus": dict(self.with_consensus),
            **({"with_reference": dict(self.with_reference)} if self.with_reference else {}),
            "pairwise": [{"raters": list(pair), "jaccard": value} for pair, value in self.pairwise.items()],
            "consensus_voxels": self.consensus_voxels,
        }


def jaccard(first: Mask, second: Mask) -> float:
    """Intersection over union of two masks of one shape; 1 where both are empty."""
    union = int(np.count_nonzero(first | second))
    return int(np.count_nonzero(first & second)) / union if union else 1.0


def majority_consensus(masks: Sequence[Mask]) -> Mask:
    """Voxels that more than half of `masks` mark; exactly half is not enough.

    Source: Helland et al., Scientific Reports 2023, section 2.3.3 (iii).

    Raises:
        InvalidImage: no mask, or shapes differ.
    """
    if not masks:
        raise InvalidImage("There is no mask to find a consensus of.")
    if len({mask.shape for mask in masks}) > 1:
        raise InvalidImage(f"The masks have different shapes ({', '.join(str(mask.shape) for mask in masks)}).")
    votes = np.zeros(masks[0].shape, np.uint16)
    for mask in masks:
        votes += np.asarray(mask, bool)
    return np.asarray(votes > len(masks) / 2)


def _bounding_box(masks: Sequence[Mask]) -> tuple[slice, ...]:
    """The smallest box outside which every mask is empty."""
    union = np.zeros(masks[0].shape, bool)
    for mask in masks:
        union |= mask
    box = []
    for axis in range(union.ndim):
        filled = np.flatnonzero(union.any(axis=tuple(other for other in range(union.ndim) if other != axis)))
        box.append(slice(int(filled[0]), int(filled[-1]) + 1) if filled.size else slice(0, 1))
    return tuple(box)


def inter_rater(
    annotators: Mapping[str, Mask], *, reference: Mask | None = None, compared: Mapping[str, Mask] | None = None
) -> InterRater:
    """Jaccard of every rater with the majority consensus and with a reference.

    Args:
        annotators: Name -> mask; they make up the consensus.
        reference: An independent mask, such as the one that models were trained to meet.
        compared: Further masks (models) that are compared but do not vote.

    Raises:
        InvalidImage: no annotator, shapes differ, or one name in both groups.

    Source: Helland et al., Scientific Reports 2023, sections 2.3.2 and 2.3.3 (iii).
    """
    compared = compared or {}
    if twice := annotators.keys() & compared.keys():
        raise InvalidImage(f"'{min(twice)}' is both an annotator and a compared system; give it two names.")
    everyone = {**annotators, **compared}
    every = [*everyone.values(), *([reference] if reference is not None else [])]
    if annotators and len({mask.shape for mask in every}) == 1:  # what is outside all masks changes nothing
        box = _bounding_box(every)
        everyone = {name: mask[box] for name, mask in everyone.items()}
        reference = reference[box] if reference is not None else None
    elif annotators:
        raise InvalidImage("The masks of the raters have different shapes; they must lie on one grid.")
    consensus = majority_consensus([everyone[name] for name in annotators])
    names = list(everyone)
    return InterRater(
        with_consensus={name: jaccard(mask, consensus) for name, mask in everyone.items()},
        with_reference={name: jaccard(mask, reference) for name, mask in everyone.items()} if reference is not None else {},
        pairwise={(a, b): jaccard(everyone[a], everyone[b]) for i, a in enumerate(names) for b in names[i + 1 :]},
        consensus_voxels=int(np.count_nonzero(consensus)),
    )
