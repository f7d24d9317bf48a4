"""From answers about labels or nested regions to one label map."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Scheme
from glioscope.fusion.decision import TIE

__all__ = ["CHAIN", "compose_labels", "compose_regions", "innermost_first", "questions"]

CHAIN = ("WT", "TC", "ET")
"""Regions of which each contains the next."""


def chain_of(scheme: Scheme) -> tuple[str, ...]:
    """The nested regions of `scheme`, from the largest; empty for a scheme of one target."""
    return tuple(name for name in CHAIN if name in scheme.regions)


def questions(scheme: Scheme, by: str) -> dict[str, tuple[int, ...]]:
    """What raters are asked, one yes or no each: name -> the label values that mean yes.

    Args:
        scheme: Gives the labels their meaning.
        by: `labels`: each label; `regions`: WT, TC, ET as far as the scheme has them, and each label outside of them.
    """
    each: dict[str, tuple[int, ...]] = {label.name: (value,) for value, label in scheme.labels.items()}
    if by == "labels":
        return each
    nested = {name: scheme.regions[name] for name in chain_of(scheme)}
    inside = {value for values in nested.values() for value in values}
    return nested | {name: values for name, values in each.items() if values[0] not in inside}


def innermost_first(scheme: Scheme) -> list[int]:
    """Label values in the order in which they win a tie: those in more of the nested regions first, then by value."""
    depth = {value: sum(value in scheme.regions[name] for name in chain_of(scheme)) for value in scheme.labels}
    return sorted(scheme.labels, key=lambda value: (-depth[value], value))


def compose_labels(
    decided: Mapping[str, NDArray[np.bool_]], support: Mapping[str, NDArray[np.floating]], scheme: Scheme
) -> NDArray[np.uint8]:
    """Of the labels that were decided, the one with most support; the innermost where two have the same.

    Args:
        decided: Label name -> bool array.
        support: Label name -> array of the same shape, 0 to 1.
        scheme: Numbers the labels.
    """
    first = next(iter(decided.values()))
    out, best = np.zeros(first.shape, np.uint8), np.full(first.shape, -1.0)
    for value in innermost_first(scheme):
        name = scheme.labels[value].name
        wins = decided[name] & (support[name] > best + TIE)
        out[wins] = value
        best = np.where(wins, support[name], best)
    return out


def compose_regions(
    decided: Mapping[str, NDArray[np.bool_]],
    support: Mapping[str, NDArray[np.floating]],
    label_support: Mapping[int, NDArray[np.floating]],
    scheme: Scheme,
) -> NDArray[np.uint8]:
    """One label map from regions that were decided one by one; what lies outside the larger region leaves the smaller one.

    Inside a region but not inside the next smaller one, the label with most support takes the voxel of those between the two
    (there is mostly one). A label outside the nested regions, such as the resection cavity, takes a voxel of theirs where its
    support is greater than that of the largest region.

    Args:
        decided: Region name -> bool array, the keys of `questions(scheme, "regions")`.
        support: Region name -> array of the same shape, 0 to 1.
        label_support: Label value -> array of the same shape, for schemes with several labels between two regions.
        scheme: Numbers the labels.
    """
    first = next(iter(decided.values()))
    out, inside = np.zeros(first.shape, np.uint8), np.ones(first.shape, bool)
    chain = chain_of(scheme)
    for region, inner in zip_longest(chain, chain[1:]):
        inside = inside & decided[region]
        smaller = set(scheme.regions[inner]) if inner else set()
        shell = [value for value in scheme.regions[region] if value not in smaller] or list(scheme.regions[region])
        taker = np.full(first.shape, shell[0], np.uint8)
        if len(shell) > 1:
            zeros = np.zeros(first.shape)
            taker = np.asarray(shell, np.uint8)[np.stack([label_support.get(value, zeros) for value in shell]).argmax(axis=0)]
        out[inside] = taker[inside]
    best = np.where(out > 0, support[chain[0]], -1.0) if chain else np.full(first.shape, -1.0)
    for name, values in questions(scheme, "regions").items():
        if name in chain:
            continue
        wins = decided[name] & (support[name] > best + TIE)
        out[wins] = values[0]
        best = np.where(wins, support[name], best)
    return out
