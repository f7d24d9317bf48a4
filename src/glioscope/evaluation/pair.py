"""One prediction against its reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core.errors import InvalidImage
from glioscope.evaluation.components import bounding_box
from glioscope.evaluation.label_maps import checked_labels, checked_spacing, foreign_labels
from glioscope.evaluation.map_lesions import lesions_of_map, region_boxes
from glioscope.evaluation.protocol import Protocol
from glioscope.evaluation.protocols import get_protocol
from glioscope.evaluation.region import score_region
from glioscope.evaluation.scores import CaseScores

__all__ = ["evaluate_pair"]


def evaluate_pair(
    prediction: NDArray[Any],
    reference: NDArray[Any],
    spacing: Sequence[float] | NDArray[np.floating],
    protocol: str | Protocol,
    *,
    case_id: str = "",
) -> CaseScores:
    """Scores of `prediction` against `reference`, region by region.

    Args:
        prediction: Label map (X, Y, Z), whole numbers of the protocol's scheme.
        reference: Label map of the same shape.
        spacing: Edge lengths of a voxel (mm) along the three axes.
        protocol: Name or object.
        case_id: Goes into the result unchanged.

    Returns:
        Finite numbers only: what is not defined is absent. `facts["ignored_labels"]` lists labels that an official script
        passes over, where there are any.

    Raises:
        InvalidImage: wrong shapes, not 3-D, not finite, a bad spacing, or labels that the protocol does not know.
    """
    rules = get_protocol(protocol) if isinstance(protocol, str) else protocol
    predicted, expected = checked_labels(prediction, "prediction"), checked_labels(reference, "reference")
    if predicted.shape != expected.shape:
        sizes = [" x ".join(map(str, labels.shape)) for labels in (predicted, expected)]
        raise InvalidImage(f"The prediction has {sizes[0]} voxels but the reference {sizes[1]}; bring them onto one grid.")
    mm = checked_spacing(spacing)
    margin = max(1, *(region.dilation for region in rules.rules.values()))
    box = bounding_box((predicted | expected) > 0, margin) or (slice(0, 1),) * 3
    predicted, expected = _in_order(predicted[box]), _in_order(expected[box])
    ignored = foreign_labels(predicted, "prediction", rules) | foreign_labels(expected, "reference", rules)
    boxes = region_boxes((predicted, expected), rules)
    voxel_mm3 = mm[0] * mm[1] * mm[2]
    found = lesions_of_map(predicted, boxes, voxel_mm3, rules, predicted=True)
    present = lesions_of_map(expected, boxes, voxel_mm3, rules, predicted=False)
    regions = {
        name: score_region(found[name], present[name], np.shape(prediction), mm, rules.rules[name], rules)
        for name in rules.regions
    }
    return CaseScores(case_id, regions, {"ignored_labels": sorted(ignored)} if ignored else {})


def _in_order(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The map in C order. Images come in Fortran order: plane by plane the change stays within the cache."""
    ordered = np.empty(labels.shape, np.uint8)
    for y in range(labels.shape[1]):
        ordered[:, y] = labels[:, y]
    return ordered
