"""From voxel-wise uncertainty to an interval of a volume."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from glioscope.core import Scheme
from glioscope.measurement.widening import Interval, Widening

__all__ = [
    "INTERVAL_PERCENT",
    "INTERVAL_RULE",
    "LEAST_LIKELY",
    "VolumeEvidence",
    "chance_of_at_least",
    "label_interval",
    "label_parts",
    "lesion_intervals",
    "told_of",
    "volume_interval",
]

INTERVAL_PERCENT = 95
"""How often a volume would lie in its interval if the probabilities held; docs/measurement.md tells how often it does."""

LEAST_LIKELY = 0.025
"""What is less probable than this is in no interval."""

NO_EVIDENCE = "No interval: there are neither probability maps of a trained segmenter nor several segmentations."

_LOWER, _UPPER = 1 - LEAST_LIKELY, LEAST_LIKELY

INTERVAL_RULE = (
    f"From the volume of the voxels with a probability of at least {_LOWER:.1%} to that of those with at least {_UPPER:.1%}; "
    "of a label, which is the difference of two regions, from the smallest to the largest volume that it has with one "
    "threshold between these for both. It spreads as far as the probabilities allow, since all voxels err together, and is as "
    "good as they are: what they are sure of and wrong about lies outside it."
)
"""The rule in a sentence.

Let each voxel belong to the region when its probability is at least u, with one u for all voxels, uniform in [0, 1]: every
voxel is then in as often as its probability says, and the voxels err together (comonotonic). Of all ways in which voxels can
depend on each other this gives the widest spread of the volume (it is the largest in convex order: Kaas et al., Insurance:
Mathematics and Economics 2000;27:151). Independent voxels would give an interval far too narrow, a few voxels wide.
"""


@dataclass(frozen=True, eq=False)
class VolumeEvidence:
    """How probable each voxel is of each region, on the label map's grid.

    Attributes:
        kind: `probabilities` of segmenters that learnt, or the share of `raters` that mark a voxel.
        members: Whose they are; their mean is taken.
        regions: Region name -> float32 in [0, 1].
        labels: Label name -> the same, of raters; of probabilities the regions tell it.
        parts: Label name -> the regions that tell it, see `label_parts`.
        widening: How wrong the segmenter was where the truth is known; None where it was not measured.
    """

    kind: Literal["probabilities", "raters"]
    members: tuple[str, ...]
    regions: Mapping[str, NDArray[np.float32]]
    labels: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    parts: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)
    widening: Widening | None = None

    @property
    def percent(self) -> int:
        """How often a volume should lie in its interval: as measured, else if the probabilities held."""
        return self.widening.percent if self.widening else INTERVAL_PERCENT

    @property
    def rule(self) -> str:
        """How the intervals are made."""
        return f"{INTERVAL_RULE} {self.widening.rule}" if self.widening else f"{INTERVAL_PERCENT} % interval: {INTERVAL_RULE}"

    def widened(self, name: str, interval: Interval) -> Interval | None:
        """The interval of a region or label of that name, as wide as it has to be; None where that was not measured."""
        return self.widening.applied(name, interval) if self.widening else interval

    def intervals(self, voxel_ml: float, scheme: Scheme) -> tuple[dict[str, Interval], dict[str, Interval]]:
        """Region of `scheme` -> interval of its volume in ml, and label -> the same, of those that have one."""
        regions = {name: volume_interval(values, voxel_ml) for name, values in self.regions.items()}
        labels = {name: volume_interval(values, voxel_ml) for name, values in self.labels.items()}
        for name, (outer, inner) in self.parts.items():
            labels[name] = label_interval(self.regions[outer], self.regions[inner] if inner else None, voxel_ml)
        regions, labels = self._widened(regions), self._widened(labels)
        return consistent(regions, labels, self.parts, scheme) if self.widening else (regions, labels)

    def _widened(self, found: Mapping[str, Interval]) -> dict[str, Interval]:
        wide = {name: self.widened(name, interval) for name, interval in found.items()}
        return {name: interval for name, interval in wide.items() if interval is not None}

    @property
    def source(self) -> str:
        """Where the intervals come from, in a sentence."""
        names = ", ".join(self.members)
        if self.kind == "raters":
            return (
                f"Intervals from {len(self.members)} segmentations ({names}): the probability is the share that marks a voxel."
            )
        return f"Intervals from the probability maps of {names}" + (" (their mean)." if len(self.members) > 1 else ".")


def volume_interval(probability: NDArray[np.float32], voxel_ml: float) -> Interval:
    """The interval of INTERVAL_RULE, in ml, of a region with these voxel-wise probabilities (any shape, in [0, 1])."""
    return float((probability >= _LOWER).sum() * voxel_ml), float((probability >= _UPPER).sum() * voxel_ml)


def chance_of_at_least(volume_ml: float, probability: NDArray[np.float32], voxel_ml: float) -> float:
    """Probability in [0, 1] that a region holds at least `volume_ml`, by the model of INTERVAL_RULE."""
    needed = int(np.ceil(volume_ml / voxel_ml - 1e-9))
    if needed <= 0:
        return 1.0
    likely = probability[probability > 0].ravel()
    return float(np.partition(likely, len(likely) - needed)[len(likely) - needed]) if needed <= len(likely) else 0.0


def told_of(evidence: VolumeEvidence | None) -> dict[str, Any]:
    """How the intervals of volumes are made and how often they should hold, JSON-ready."""
    if evidence is None:
        return {"percent": INTERVAL_PERCENT, "source": NO_EVIDENCE, "rule": INTERVAL_RULE, "widened_by": None}
    factors = dict(evidence.widening.factors) if evidence.widening else None
    return {"percent": evidence.percent, "source": evidence.source, "rule": evidence.rule, "widened_by": factors}


def label_parts(regions: Collection[str], scheme: Scheme) -> dict[str, tuple[str, str | None]]:
    """Label name -> the region that holds it, and the one within that holds the rest of that; as far as these are `regions`."""
    found: dict[str, tuple[str, str | None]] = {}
    known = {frozenset(scheme.regions[name]): name for name in regions if name in scheme.regions}
    for value, label in scheme.labels.items():
        for outer in sorted(known, key=len):
            rest = outer - {value}
            if value in outer and (not rest or rest in known):
                found[label.name] = known[outer], known[rest] if rest else None
                break
    return found


def label_interval(outer: NDArray[np.float32], inner: NDArray[np.float32] | None, voxel_ml: float) -> Interval:
    """The interval of INTERVAL_RULE, in ml, of what is in one region and not in the other, with one threshold for both.

    Args:
        outer: Probability of the region that holds the label, any shape, in [0, 1].
        inner: Of the region within it that holds the rest, same shape; None where there is none.
        voxel_ml: Volume of a voxel.
    """
    if inner is None:
        return volume_interval(outer, voxel_ml)
    levels = np.linspace(_UPPER, _LOWER, 96, dtype=np.float32)
    volumes = _at_least(outer, levels) - _at_least(np.minimum(outer, inner), levels)
    return float(volumes.min() * voxel_ml), float(volumes.max() * voxel_ml)


def consistent(
    regions: Mapping[str, Interval], labels: Mapping[str, Interval], parts: Mapping[str, tuple[str, str | None]], scheme: Scheme
) -> tuple[dict[str, Interval], dict[str, Interval]]:
    """Intervals without what cannot be if those of the other regions hold: no region is larger than one around it, none smaller
    than one within it, and a label is what its regions differ by.

    Args:
        regions, labels: Region and label -> interval of its volume.
        parts: As `label_parts` gives them.
        scheme: Tells which region lies in which.
    """
    held = {name: set(scheme.regions.get(name, ())) for name in regions}
    cut = {}
    for name, (low, high) in regions.items():
        lows = [regions[other][0] for other in regions if held[other] < held[name]]
        highs = [regions[other][1] for other in regions if held[name] < held[other]]
        cut[name] = _within((low, high), max([low, *lows]), min([high, *highs]))
    found = dict(labels)
    for name, (outer, inner) in parts.items():
        if name in labels and outer in cut and (inner is None or inner in cut):
            low, high = cut[inner] if inner else (0.0, 0.0)
            least, most = cut[outer][0] - high, cut[outer][1] - low
            found[name] = _within(labels[name], max(labels[name][0], least), min(labels[name][1], most))
    return cut, found


def _within(interval: Interval, low: float, high: float) -> Interval:
    """From `low` to `high`; the interval as it is where these contradict each other."""
    return (low, high) if low <= high else interval


def _at_least(probability: NDArray[np.float32], levels: NDArray[np.float32]) -> NDArray[np.int64]:
    """How many voxels reach each level."""
    likely = np.sort(probability[probability >= levels[0]], axis=None)
    return np.asarray(likely.size - np.searchsorted(likely, levels, side="left"), np.int64)


def lesion_intervals(
    numbered: NDArray[np.int32],
    count: int,
    probability: NDArray[np.float32],
    voxel_ml: float,
    spacing: NDArray[np.float64],
) -> list[Interval]:
    """The interval of each of the first `count` lesions.

    Every voxel that may belong to the region (INTERVAL_RULE's upper bound) goes to the lesion nearest to it, if a chain of such
    voxels leads there; what leads to no lesion counts for the region alone.

    Args:
        numbered: (X, Y, Z) lesions numbered from 1, as `separate_lesions` does.
        count: How many of them.
        probability: Of the region, same shape.
        voxel_ml: Volume of a voxel.
        spacing: mm an array axis.
    """
    possible = (probability >= _UPPER) | (numbered > 0)
    pieces, number = ndimage.label(possible, np.ones((3, 3, 3)))
    led = np.zeros(number + 1, bool)
    led[pieces[numbered > 0]] = True
    nearest = ndimage.distance_transform_edt(
        numbered == 0, sampling=tuple(spacing), return_distances=False, return_indices=True
    )
    owner = np.where(led[pieces] & possible, numbered[tuple(nearest)], 0)
    certain = np.bincount(owner[probability >= _LOWER], minlength=count + 1)
    likely = np.bincount(owner[probability >= _UPPER], minlength=count + 1)
    return [(float(certain[n] * voxel_ml), float(likely[n] * voxel_ml)) for n in range(1, count + 1)]
