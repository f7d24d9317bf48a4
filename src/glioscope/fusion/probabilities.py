"""Region probability maps of several raters in, one set out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InvalidImage, Scheme
from glioscope.fusion.composition import CHAIN, compose_regions, questions
from glioscope.fusion.decision import TIE

__all__ = ["fuse_probabilities", "label_probabilities"]

Maps = Mapping[str, NDArray[np.floating]]


def fuse_probabilities(
    raters: Sequence[Maps], method: str = "mean", weights: Mapping[str, Sequence[float]] | None = None
) -> dict[str, NDArray[np.float32]]:
    """Fuse region probabilities; WT, TC and ET stay nested (no voxel is more probably the smaller region than the larger).

    Args:
        raters: One mapping a rater: region name -> probabilities, 0 to 1, all of one shape.
        method: `mean`, `weighted-mean` or `max`.
        weights: For `weighted-mean`: region -> one weight a rater, none negative, not all 0.

    Returns:
        Region name -> float32 map, 0 to 1.

    Raises:
        InvalidImage: no raters, different regions or shapes, values that are not probabilities, or weights that make no sense.
    """
    if not raters:
        raise InvalidImage("There is nothing to fuse: at least one set of probability maps is needed.")
    if method not in ("mean", "weighted-mean", "max"):
        raise InvalidImage(f"Method '{method}' does not fuse probabilities; those that do are mean, weighted-mean, max.")
    regions = list(raters[0])
    for number, maps in enumerate(raters, 1):
        if set(maps) != set(regions):
            raise InvalidImage(f"Rater {number} has maps of {', '.join(maps)}, but rater 1 of {', '.join(regions)}.")
    fused = {region: _fused(region, [maps[region] for maps in raters], method, weights) for region in regions}
    outer: NDArray[np.float32] | None = None
    for region in (name for name in CHAIN if name in fused):
        if outer is not None:
            np.minimum(fused[region], outer, out=fused[region])
        outer = fused[region]
    return fused


def _fused(
    region: str, maps: Sequence[NDArray[np.floating]], method: str, weights: Mapping[str, Sequence[float]] | None
) -> NDArray[np.float32]:
    weight = np.ones(len(maps))
    if method == "weighted-mean":
        if weights is None or region not in weights:
            raise InvalidImage(f"There are no weights for {region}; fit them first, or choose another method.")
        weight = np.asarray(weights[region], np.float64)
        if weight.shape != (len(maps),) or not np.isfinite(weight).all() or (weight < 0).any() or not weight.any():
            raise InvalidImage(f"{region} needs {len(maps)} weights, none negative and not all of them 0.")
    total = np.zeros(np.shape(maps[0]), np.float64)
    for number, (one, share) in enumerate(zip(maps, weight / weight.sum(), strict=True), 1):
        if np.shape(one) != total.shape:
            raise InvalidImage(f"{region} of rater {number} has the shape {np.shape(one)}, but that of rater 1 {total.shape}.")
        if not (np.min(one, initial=0) >= 0 and np.max(one, initial=0) <= 1):  # NaN is neither
            raise InvalidImage(f"{region} of rater {number} is no probability map: it has values that are not from 0 to 1.")
        if method == "max":
            np.maximum(total, one, out=total)
        else:
            total += share * one
    return np.clip(total, 0, 1).astype(np.float32)


def label_probabilities(
    probabilities: Maps, scheme: Scheme, thresholds: Mapping[str, float] | None = None
) -> NDArray[np.uint8]:
    """The label map of region probabilities: a voxel belongs to a region from its threshold on, and to the regions around it.

    Args:
        probabilities: Region name -> probabilities, 0 to 1; all regions that `questions(scheme, "regions")` names.
        scheme: Numbers the labels.
        thresholds: Region -> above 0, up to 1; 0.5 for one without.

    Raises:
        InvalidImage: a region is missing.
    """
    asked = questions(scheme, "regions")
    missing = [name for name in asked if name not in probabilities]
    if missing:
        raise InvalidImage(f"Scheme '{scheme.name}' needs probabilities of {', '.join(asked)}; missing: {', '.join(missing)}.")
    single = {
        values[0]: probabilities[name] for name, values in scheme.regions.items() if len(values) == 1 and name in probabilities
    }
    decided = {name: np.asarray(probabilities[name] >= (thresholds or {}).get(name, 0.5) - TIE) for name in asked}
    return compose_regions(decided, probabilities, single, scheme)
