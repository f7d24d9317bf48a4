"""From what a network says of every voxel to regions and a label map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.bundles import Bundle
from glioscope.core import InputUnreadable, InvalidImage, Scheme
from glioscope.postprocessing import Chain, Thresholds

__all__ = ["Answer", "answer_of_labels", "answer_of_regions", "chain_of"]

Map = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Answer:
    """Regions and labels on one grid.

    Attributes:
        labels: uint8.
        regions: Region -> float32 in [0, 1].
        facts: What post-processing did.
    """

    labels: NDArray[np.uint8]
    regions: Mapping[str, NDArray[np.float32]]
    facts: Mapping[str, Any] = field(default_factory=dict)


def chain_of(bundle: Bundle) -> Chain | None:
    """The post-processing that a bundle brings; raises InputUnreadable where it is wrong."""
    document = bundle.document.get("postprocess")
    if document is None:
        return None
    try:
        return Chain.of_document(document)
    except InvalidImage as error:
        raise InputUnreadable(f"The post-processing of bundle '{bundle.name}' cannot be used: {error}") from None


def answer_of_regions(regions: Mapping[str, Map], scheme: Scheme, chain: Chain | None, voxel_mm3: float) -> Answer:
    """Labels from region probabilities: thresholds (0.5 where the chain has none), then the chain's steps."""
    maps = {region: np.asarray(values, np.float32) for region, values in regions.items()}
    thresholds = chain.thresholds if chain and chain.thresholds else Thresholds(dict.fromkeys(maps, 0.5))
    return _finished(thresholds.apply(maps, scheme), maps, scheme, chain, voxel_mm3)


def answer_of_labels(
    channels: Map, names: list[str], regions: tuple[str, ...], scheme: Scheme, chain: Chain | None, voxel_mm3: float
) -> Answer:
    """Labels from label probabilities: the most probable, or the chain's thresholds on the regions; then its steps.

    Args:
        channels: (K, X, Y, Z), the background first, then the labels `names`.
        names: Names of the labels.
        regions: Regions to give, each a union of these labels; its probability is the sum of theirs.
        scheme: Numbers the labels.
        chain: Post-processing.
        voxel_mm3: Volume of a voxel in mm3.
    """
    values = [0, *(scheme.value_of(name) for name in names)]
    maps: dict[str, NDArray[np.float32]] = {}
    for region in regions:
        parts = [values.index(value) for value in scheme.regions[region]]
        maps[region] = np.minimum(np.sum(channels[parts], axis=0, dtype=np.float32), 1)
    if chain and chain.thresholds:
        return answer_of_regions(maps, scheme, chain, voxel_mm3)
    return _finished(np.array(values, np.uint8)[np.argmax(channels, axis=0)], maps, scheme, chain, voxel_mm3)


def _finished(
    labels: NDArray[np.uint8], maps: Mapping[str, NDArray[np.float32]], scheme: Scheme, chain: Chain | None, voxel_mm3: float
) -> Answer:
    if chain is None or not chain.steps:
        return Answer(labels, maps)
    done, record = chain.from_labels(labels, scheme, voxel_mm3)
    return Answer(done, maps, {"bundle_postprocessing": record.summary()})
