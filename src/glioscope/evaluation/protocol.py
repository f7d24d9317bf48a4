"""What a protocol is: regions, the rules that turn voxels into lesions, and the words that define each number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Literal

import numpy as np

__all__ = ["Protocol", "RegionRules"]


@dataclass(frozen=True)
class RegionRules:
    """How one region is cut into lesions.

    Attributes:
        labels: Label values it unites.
        dilation: Steps of growth (18 neighbours, voxels). Components whose grown masks touch are one lesion, and a
            predicted lesion finds a reference lesion when it meets the grown one; 0 asks for a shared voxel.
        smallest: Lesions of this volume (mm3) or less do not count.
        neighbours: Regions whose lesions join the lesions of this one that touch them.
        scored: Whether it is reported, or only serves as a neighbour.
    """

    labels: tuple[int, ...]
    dilation: int
    smallest: float
    neighbours: tuple[str, ...] = ()
    scored: bool = True


@dataclass(frozen=True)
class Protocol:
    """How a prediction is compared with its reference.

    Attributes:
        name: Such as `brats-2024-gli`.
        scheme: Name of the label scheme both maps are in.
        rules: Region name -> its rules.
        definitions: Metric name -> one sentence that says what it is; also the set of metrics that come out.
        penalty: Distance (mm) for what has no counterpart, or the diagonal of the image in voxels or mm.
        tolerated: Label values that may occur though no region has them; None tolerates all.
        merges_prediction: Whether predicted components grow together into lesions as reference components do.
        filters_prediction: Whether predicted lesions of the smallest volume or less are taken away.
        counts_false_positives: Whether lesions found where there is none enter the lesion-wise means.
        numbered: Whole-volume values are taken on the filtered map of lesion numbers, as in the scripts of 2024.
        voxel_sizes: The smallest volume of a predicted lesion is meant in voxels.
        chained_merging: Lesions that touch one neighbour are united, through any chain; else as in the scripts of 2024.
        voxel_nsd: NSD counts border voxels and averages both directions; else it weighs surface area.
    """

    name: str
    scheme: str
    rules: Mapping[str, RegionRules]
    definitions: Mapping[str, str]
    penalty: float | Literal["diagonal-voxels", "diagonal-mm"] = 374.0
    tolerated: tuple[int, ...] | None = ()
    merges_prediction: bool = True
    filters_prediction: bool = True
    counts_false_positives: bool = True
    numbered: bool = False
    voxel_sizes: bool = False
    chained_merging: bool = True
    voxel_nsd: bool = False

    @cached_property
    def regions(self) -> Mapping[str, tuple[int, ...]]:
        """Region name -> label values it unites, in the order of the results."""
        return MappingProxyType({name: rules.labels for name, rules in self.rules.items() if rules.scored})

    @property
    def complete(self) -> bool:
        """Whether all numbers come out, rather than those of an official script."""
        return "pq" in self.definitions

    def penalty_mm(self, shape: Sequence[int], spacing: Sequence[float]) -> float:
        """The penalty for an image of `shape` voxels of `spacing` mm."""
        if self.penalty == "diagonal-voxels":
            return float(np.sqrt(np.square(shape).sum()))
        if self.penalty == "diagonal-mm":
            return float(np.linalg.norm(np.multiply(shape, spacing)))
        return float(self.penalty)
