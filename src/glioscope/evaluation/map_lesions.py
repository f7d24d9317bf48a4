"""From a label map to the lesions of all its regions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from glioscope.evaluation.components import Box, box_of, find_components
from glioscope.evaluation.lesions import Lesions
from glioscope.evaluation.protocol import Protocol, RegionRules
from glioscope.evaluation.touching import Pairs, join_chained, join_first, touching_pairs

__all__ = ["lesions_of_map", "region_boxes"]


def region_boxes(maps: tuple[NDArray[np.uint8], ...], protocol: Protocol) -> dict[str, Box]:
    """For each region the box that holds it in all maps, with the room that its lesions need to grow."""
    wanted = {name: sum(1 << value for value in rules.labels if value < 8) for name, rules in protocol.rules.items()}
    if max(int(labels.max()) for labels in maps) < 8:
        bits = [np.left_shift(np.uint8(1), labels) for labels in maps]
    else:
        wanted = {name: 1 << bit for bit, name in enumerate(protocol.rules)}
        flags = np.zeros(256, np.min_scalar_type((1 << len(wanted)) - 1))
        for name, rules in protocol.rules.items():
            flags[list(rules.labels)] |= flags.dtype.type(wanted[name])
        bits = [np.take(flags, labels) for labels in maps]
    together = np.bitwise_or.reduce(bits)
    plane = np.bitwise_or.reduce(together, axis=0)
    profiles = (
        np.bitwise_or.reduce(together, axis=(1, 2)),
        np.bitwise_or.reduce(plane, axis=1),
        np.bitwise_or.reduce(plane, axis=0),
    )
    boxes = {}
    for name, rules in protocol.rules.items():
        box = box_of([profile & wanted[name] != 0 for profile in profiles], max(rules.dilation, 1))
        boxes[name] = box or (slice(0, 1), slice(0, 1), slice(0, 1))
    return boxes


def lesions_of_map(
    labels: NDArray[np.uint8], boxes: Mapping[str, Box], voxel_mm3: float, protocol: Protocol, *, predicted: bool
) -> dict[str, Lesions]:
    """The lesions of each region, each in its box.

    Args:
        labels: (X, Y, Z).
        boxes: From `region_boxes`.
        voxel_mm3: Volume of a voxel (mm3).
        protocol: Its rules of growth, of smallest volumes and of neighbours apply in this order.
        predicted: Whether this is the prediction, whose small lesions are left out.
    """
    merge = protocol.merges_prediction or not predicted
    found = {}
    for name, rules in protocol.rules.items():
        mask = np.ascontiguousarray(_mask(labels[boxes[name]], rules))
        parts = find_components(mask, rules.dilation, merge=merge)
        numbers = np.arange(parts.count + 1)
        if predicted and protocol.filters_prediction:
            unit = 1.0 if protocol.voxel_sizes else voxel_mm3
            numbers[parts.sizes * unit <= rules.smallest] = 0
        found[name] = Lesions(parts, numbers)
    known: dict[frozenset[str], Pairs] = {}
    return {name: _join(name, found, boxes, protocol, known) for name in protocol.regions}


def _mask(labels: NDArray[np.uint8], rules: RegionRules) -> NDArray[np.bool_]:
    if len(rules.labels) > 8:
        return np.isin(labels, rules.labels)
    mask: NDArray[np.bool_] = labels == rules.labels[0]
    for value in rules.labels[1:]:
        mask |= labels == value
    return mask


def _join(
    name: str, found: Mapping[str, Lesions], boxes: Mapping[str, Box], protocol: Protocol, known: dict[frozenset[str], Pairs]
) -> Lesions:
    """The lesions of a region with those joined that touch the same lesion of a neighbour; `known` keeps what touches."""
    neighbours = protocol.rules[name].neighbours
    lesions = found[name]
    if not neighbours:
        return lesions
    pairs: list[Pairs] = []
    for other in neighbours if np.count_nonzero(lesions.numbers) > 1 else ():
        both = frozenset((name, other))
        one, two = sorted(both)
        if both not in known:
            known[both] = _touching(found[one], boxes[one], found[two], boxes[two])
        pairs.append(known[both] if name == one else {(b, a) for a, b in known[both]})
    join = join_chained if protocol.chained_merging else join_first
    return Lesions(lesions.parts, join(lesions.numbers, pairs))


def _touching(lesions: Lesions, box: Box, others: Lesions, other_box: Box) -> Pairs:
    """Pairs of a part of `lesions` and a part of `others`, neither left out."""
    low = [max(a.start, b.start) for a, b in zip(box, other_box, strict=True)]
    high = [min(a.stop, b.stop) for a, b in zip(box, other_box, strict=True)]
    if any(a >= b for a, b in zip(low, high, strict=True)):
        return set()
    first, second = (item.parts.ids(_inside(frame, low, high)) for item, frame in ((lesions, box), (others, other_box)))
    return {(a, b) for a, b in touching_pairs(first, second) if lesions.numbers[a] and others.numbers[b]}


def _inside(frame: Box, low: list[int], high: list[int]) -> Box:
    x, y, z = (slice(a - edge.start, b - edge.start) for a, b, edge in zip(low, high, frame, strict=True))
    return x, y, z
