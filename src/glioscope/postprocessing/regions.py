"""What a scheme says of regions: their nesting, and the label that each region alone gives to a voxel."""

from __future__ import annotations

from collections.abc import Iterable

from glioscope.core import InvalidImage, Scheme

__all__ = ["largest_first", "own_label", "parents"]

LEAST_SPECIFIC = ("ED", "SNFH", "NCR", "NETC")
"""Labels that stand for the rest of WT and of TC, in every scheme that has them."""


def largest_first(scheme: Scheme, regions: Iterable[str]) -> list[str]:
    """`regions` in the scheme's order, each after those that contain it; raises InvalidImage for one it does not define."""
    wanted = list(regions)
    for region in wanted:
        if region not in scheme.regions:
            known = ", ".join(scheme.regions)
            raise InvalidImage(f"Scheme '{scheme.name}' has no region '{region}'; its regions are {known}.")
    return [region for region in scheme.regions if region in wanted]


def parents(scheme: Scheme, region: str, among: Iterable[str]) -> list[str]:
    """Those of the regions `among` that contain `region` and more."""
    return [name for name in among if set(scheme.regions[region]) < set(scheme.regions[name])]


def own_label(scheme: Scheme, region: str) -> int:
    """The label of a voxel of which no more is known than that it is in `region`.

    ED for WT, NCR for TC and ET for ET in `brats-2023`: the least specific label that the region holds.
    """
    values = sorted(scheme.regions[region])
    named = {scheme.labels[value].name: value for value in values}
    return next((named[name] for name in LEAST_SPECIFIC if name in named), values[0])
