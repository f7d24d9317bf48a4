"""Weights, thresholds and steps as one: from a segmenter's answer to the final label map, and the file that holds it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InputUnreadable, InvalidImage, Scheme
from glioscope.core.files import write_json
from glioscope.postprocessing.canvas import Canvas
from glioscope.postprocessing.catalogue import step_of
from glioscope.postprocessing.label_step import LabelStep
from glioscope.postprocessing.rater_weights import RaterWeights, Regions
from glioscope.postprocessing.record import Record
from glioscope.postprocessing.regions import own_label
from glioscope.postprocessing.remove_dust import RemoveDust
from glioscope.postprocessing.size import Size
from glioscope.postprocessing.thresholds import PUBLISHED_THRESHOLDS, Thresholds

__all__ = ["Chain", "load_postprocessing", "published_chain", "save_postprocessing"]

FORMAT = "glioscope-postprocessing"
VERSION = 1
_KEYS = {"format", "version", "weights", "thresholds", "least_mean", "steps"}


@dataclass(frozen=True)
class Chain:
    """What is done after a segmenter.

    Attributes:
        steps: Done in this order on the label map.
        thresholds: Make the label map from probabilities; None where the segmenter's own label map is taken.
        weights: Bring several raters' probabilities to one; None for one rater, or the plain mean of several.
        facts: JSON-ready notes kept with the chain, such as how it was tuned; they change nothing.
    """

    steps: Sequence[LabelStep] = ()
    thresholds: Thresholds | None = None
    weights: RaterWeights | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def fuse(self, raters: Mapping[str, Regions]) -> Regions:
        """Several raters' region probabilities as one; see RaterWeights."""
        if self.weights is None and len(raters) == 1:
            return next(iter(raters.values()))
        return (self.weights or RaterWeights({})).apply(raters)

    def from_probabilities(
        self, probabilities: Regions, scheme: Scheme, voxel_mm3: float = 1.0
    ) -> tuple[NDArray[np.uint8], Record]:
        """The final label map, and what the steps changed after the thresholds.

        Args:
            probabilities: Region -> values in [0, 1], all of one 3-D shape.
            scheme: Numbering of the label map.
            voxel_mm3: Volume of a voxel in mm3.

        Raises:
            InvalidImage: the chain has no thresholds, or as Thresholds and the steps raise it.
        """
        if self.thresholds is None:
            raise InvalidImage("This post-processing has no thresholds, so it needs a label map and not probabilities.")
        labels, record = self.from_labels(self.thresholds.apply(probabilities, scheme), scheme, voxel_mm3)
        return labels, Record(record.shape, record.changes, {**record.facts, "thresholds": dict(self.thresholds.values)})

    def from_labels(
        self, labels: NDArray[np.integer[Any]], scheme: Scheme, voxel_mm3: float = 1.0
    ) -> tuple[NDArray[np.uint8], Record]:
        """The final label map made from another one, and what changed; thresholds are not applied.

        Raises:
            InvalidImage: as the steps raise it.
        """
        canvas = Canvas(labels, scheme, voxel_mm3)
        for step in self.steps:
            step.paint(canvas)
        facts = {"scheme": scheme.name, "voxel_mm3": voxel_mm3, "thresholds": None}
        return canvas.labels, Record(tuple(labels.shape), tuple(canvas.changes), facts)

    def document(self) -> dict[str, Any]:
        """JSON-ready; `of_document` reads it."""
        document: dict[str, Any] = {"format": FORMAT, "version": VERSION}
        if self.weights is not None:
            document["weights"] = {region: dict(weights) for region, weights in self.weights.values.items()}
        if self.thresholds is not None:
            document["thresholds"] = dict(self.thresholds.values)
            if self.thresholds.least_mean:
                document["least_mean"] = dict(self.thresholds.least_mean)
        return {**document, "steps": [step.document() for step in self.steps], **self.facts}

    @staticmethod
    def of_document(document: Any) -> Chain:  # noqa: ANN401
        """The chain that `document` wrote; raises InvalidImage for anything that is not one."""
        if not isinstance(document, Mapping) or document.get("format") != FORMAT or document.get("version") != VERSION:
            raise InvalidImage(f'It does not begin with "format": "{FORMAT}" and "version": {VERSION}.')
        thresholds, means, weights, steps = (document.get(key) for key in ("thresholds", "least_mean", "weights", "steps"))
        if not isinstance(steps, list):
            raise InvalidImage("It has no list of 'steps'.")
        tables = [thresholds or {}, means or {}, weights or {}, *(weights.values() if isinstance(weights, Mapping) else ())]
        if not all(isinstance(table, Mapping) for table in tables):
            raise InvalidImage("Its 'thresholds', 'least_mean' or 'weights' are not tables by region.")
        if means and not thresholds:
            raise InvalidImage("It has 'least_mean' without 'thresholds'.")
        return Chain(
            tuple(step_of(step) for step in steps),
            Thresholds(dict(thresholds), dict(means or {})) if thresholds else None,
            RaterWeights({region: dict(of_region) for region, of_region in weights.items()}) if weights else None,
            {k: v for k, v in document.items() if k not in _KEYS},
        )


def published_chain(scheme: Scheme) -> Chain:
    """Thresholds and dust removal as published for BraTS 2023, where `scheme` has WT, TC and ET.

    Any further label (resection cavity, cyst) has the threshold 0.5 and keeps its dust; in a scheme of other regions each of
    them has the threshold 0.5 and dust of 50 mm3.
    """
    nested = [region for region in PUBLISHED_THRESHOLDS if region in scheme.regions] or list(scheme.regions)
    painted = {own_label(scheme, region) for region in nested}
    others = [r for r, values in scheme.regions.items() if len(values) == 1 and r not in nested and values[0] not in painted]
    dust = RemoveDust({region: Size(50) for region in reversed(nested)})
    return Chain((dust,), Thresholds({region: PUBLISHED_THRESHOLDS.get(region, 0.5) for region in [*nested, *others]}))


def load_postprocessing(path: str | PathLike[str]) -> Chain:
    """The chain in a file that `save_postprocessing` or `glioscope tune` wrote, or that was written by hand.

    Raises:
        InputUnreadable: the file is missing, is not JSON, or is not a chain; the sentence says what is wrong in it.
    """
    file = Path(path)
    if not file.is_file():
        raise InputUnreadable(f"'{file}' does not exist or is not a file.")
    try:
        return Chain.of_document(json.loads(file.read_text("utf-8")))
    except (ValueError, RecursionError):
        raise InputUnreadable(f"'{file.name}' is not JSON; a file for post-processing is.") from None
    except InvalidImage as error:
        raise InputUnreadable(f"'{file.name}' is not a file for post-processing: {error}") from None


def save_postprocessing(path: str | PathLike[str], chain: Chain) -> None:
    """Write `chain` as JSON, atomically and the same bytes each time; raises OutputUnwritable."""
    write_json(Path(path), chain.document())
