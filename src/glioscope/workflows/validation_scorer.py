"""Held-out exams scored while a network learns: with the thresholds, steps and metrics of the rest of the package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InvalidImage, Scheme, get_scheme, region_mask
from glioscope.evaluation import CaseScores, RegionScores, evaluate_pair, get_protocol, summarise_cases
from glioscope.evaluation.metrics import Overlap
from glioscope.postprocessing import Chain, Thresholds
from glioscope.postprocessing.regions import own_label
from glioscope.training.fingerprint import target_values
from glioscope.training.recipe_schema import Recipe, Target
from glioscope.training.scorer import THRESHOLDS

__all__ = ["ValidationScorer", "check_scoring", "dice_at_thresholds", "region_probabilities"]


def region_probabilities(
    probabilities: Mapping[str, NDArray[np.floating[Any]]], target: Target
) -> dict[str, NDArray[np.floating[Any]]]:
    """Region -> probability (X, Y, Z); that of a region made of labels is the sum of theirs.

    Args:
        probabilities: Name of the target -> (X, Y, Z), without the background.
        target: What the network learnt; regions that not all labels of are learnt are left out.
    """
    if target.kind == "regions":
        return {name: probabilities[name] for name in target.names}
    scheme = get_scheme(target.scheme)
    value_of = {scheme.value_of(name): name for name in target.names}
    out = {}
    for region, values in scheme.regions.items():
        if set(values) <= set(value_of):
            parts = [probabilities[value_of[value]].astype(np.float32) for value in values]
            out[region] = np.clip(np.sum(parts, axis=0), 0, 1)
    return out


@dataclass(frozen=True)
class ValidationScorer:
    """Scores by the protocol `general` in the recipe's scheme.

    Attributes:
        target: What the channels of the network are.
        chain: The recipe's post-processing; None: regions from 0.5 up, or the likeliest label.
    """

    target: Target
    chain: Chain | None = None

    @staticmethod
    def of(recipe: Recipe) -> ValidationScorer:
        """The scorer of a recipe; raises InvalidImage where its `postprocess` is not a chain."""
        return ValidationScorer(recipe.target, Chain.of_document(recipe.postprocess) if recipe.postprocess else None)

    @cached_property
    def _scheme(self) -> Scheme:
        return get_scheme(self.target.scheme)

    def _regions(self, probabilities: NDArray[np.floating[Any]]) -> dict[str, NDArray[np.floating[Any]]]:
        first = self.target.channels - len(self.target.names)
        return region_probabilities(dict(zip(self.target.names, probabilities[first:], strict=True)), self.target)

    def _likeliest(self, probabilities: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
        values = [0, *(self._scheme.value_of(name) for name in self.target.names)]
        return np.asarray(np.array(values, np.uint8)[probabilities.argmax(axis=0)])

    def dice(self, probabilities: NDArray[np.floating[Any]], reference: NDArray[np.uint8]) -> dict[str, float]:
        """Dice of each region from 0.5 up, or of the likeliest label; see Scorer."""
        regions = self._regions(probabilities)
        labels = self._likeliest(probabilities) if self.target.kind == "labels" else None
        out = {}
        for region, values in regions.items():
            found = values >= 0.5 if labels is None else region_mask(labels, self._scheme, region)
            truth = region_mask(reference, self._scheme, region)
            out[region] = Overlap(int((found & truth).sum()), int(found.sum()), int(truth.sum())).dice
        return out

    def dice_by_threshold(
        self, probabilities: NDArray[np.floating[Any]], reference: NDArray[np.uint8]
    ) -> dict[str, list[float]]:
        """Dice of each region at each threshold; see Scorer."""
        return dice_at_thresholds(self._regions(probabilities), reference, self._scheme)

    def labels(self, probabilities: NDArray[np.floating[Any]], spacing: Sequence[float]) -> NDArray[np.uint8]:
        """The final label map; see Scorer."""
        voxel_mm3 = float(np.prod(spacing))
        chain = self.chain or Chain()
        if chain.thresholds is None and self.target.kind == "labels":
            return chain.from_labels(self._likeliest(probabilities), self._scheme, voxel_mm3)[0]
        regions = self._regions(probabilities)
        thresholds = chain.thresholds or Thresholds(dict.fromkeys(regions, 0.5))
        return Chain(chain.steps, thresholds).from_probabilities(regions, self._scheme, voxel_mm3)[0]

    def full(
        self,
        probabilities: NDArray[np.floating[Any]],
        reference: NDArray[np.uint8],
        spacing: Sequence[float],
        name: str,
    ) -> dict[str, Any]:
        """Every number of the protocol `general` for the regions that the network learns; see Scorer."""
        labels = self.labels(probabilities, spacing)
        scores = evaluate_pair(labels, reference, spacing, get_protocol("general", self._scheme.name), case_id=name)
        learnt = self._regions(probabilities)
        return CaseScores(scores.id, {r: s for r, s in scores.regions.items() if r in learnt}, scores.facts).document()

    def summary(self, exams: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """What the documents of `full` amount to; see Scorer."""
        cases = [
            CaseScores(exam["id"], {region: RegionScores(values) for region, values in exam["regions"].items()})
            for exam in exams
        ]
        return {
            region: {metric: summary.document() for metric, summary in by_metric.items()}
            for region, by_metric in summarise_cases(cases).items()
        }


def check_scoring(recipe: Recipe) -> None:
    """Score an empty exam by the recipe's rules; raise InvalidImage where they do not fit what the network gives, or leave out
    a part of it.
    """
    scorer, scheme = ValidationScorer.of(recipe), get_scheme(recipe.target.scheme)
    empty = np.zeros((recipe.target.channels, 4, 4, 4), np.float16)
    try:
        scorer.full(empty, np.zeros(empty.shape[1:], np.uint8), (1.0, 1.0, 1.0), "empty")
    except InvalidImage as error:
        raise InvalidImage(f"Recipe '{recipe.name}': 'postprocess' does not fit 'target': {error}") from None
    if scorer.chain is None or scorer.chain.thresholds is None:
        return
    given = region_probabilities(dict.fromkeys(recipe.target.names, empty[0]), recipe.target)
    painted = {own_label(scheme, region) for region in scorer.chain.thresholds.values if region in given}
    for name, values in target_values(recipe).items():
        if not painted & set(values):
            raise InvalidImage(
                f"Recipe '{recipe.name}': by its 'postprocess.thresholds' {name} is never found; give one for it, or take "
                "postprocess=null."
            )


def dice_at_thresholds(
    regions: Mapping[str, NDArray[np.floating[Any]]], reference: NDArray[np.uint8], scheme: Scheme
) -> dict[str, list[float]]:
    """Region -> Dice of `probability >= t` for each t of THRESHOLDS.

    Args:
        regions: Region -> probabilities (X, Y, Z).
        reference: Label map (X, Y, Z).
        scheme: Its numbering.
    """
    return {region: _dice_by_threshold(values, region_mask(reference, scheme, region)) for region, values in regions.items()}


def _dice_by_threshold(values: NDArray[np.floating[Any]], truth: NDArray[np.bool_]) -> list[float]:
    edges = np.array(THRESHOLDS, values.dtype)
    # How many voxels reach each threshold: each voxel is counted once at the highest that it reaches, then summed downwards.
    reached = np.searchsorted(edges, values.ravel(), side="right")

    def at_least(counted: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
        return np.bincount(counted, minlength=len(edges) + 1)[::-1].cumsum()[::-1][1:]

    found, both, size = at_least(reached), at_least(reached[truth.ravel()]), int(truth.sum())
    return [Overlap(int(b), int(f), size).dice for b, f in zip(both, found, strict=True)]
