"""Weights for weighted fusion: fitted on exams with a reference, kept in a JSON file."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import InputUnreadable, InvalidImage, Scheme
from glioscope.core.files import write_json
from glioscope.fusion.composition import questions
from glioscope.fusion.decision import reaches_half
from glioscope.fusion.votes import Votes

__all__ = ["FusionWeights", "fit_probability_weights", "fit_weights"]

GRID = np.linspace(0, 1, 21)
"""Weights that the search tries for a rater, relative to the largest."""
GAIN = 1e-6
"""A change that improves the mean Dice by less is none: equal weights stay equal where the data do not tell otherwise."""


@dataclass(frozen=True)
class FusionWeights:
    """One weight for each rater and each label or region.

    Attributes:
        raters: Their names.
        scheme: Name of the scheme that the labels or regions belong to.
        by: `labels` or `regions`.
        weights: Label or region name -> one weight a rater, in the order of `raters`, at most 1.
        fitted: What the fit says: exams, and mean Dice with equal and with fitted weights.
    """

    raters: tuple[str, ...]
    scheme: str
    by: str
    weights: Mapping[str, tuple[float, ...]]
    fitted: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The weights as JSON-ready values."""
        by_name = {name: dict(zip(self.raters, row, strict=True)) for name, row in self.weights.items()}
        return {
            "kind": "fusion-weights",
            "scheme": self.scheme,
            "by": self.by,
            "raters": list(self.raters),
            "weights": by_name,
            "fitted": dict(self.fitted),
        }

    def write(self, path: Path) -> None:
        """Write them to `path`, atomically; raises OutputUnwritable."""
        write_json(path, self.document())

    @classmethod
    def read(cls, path: Path) -> FusionWeights:
        """The weights in the file `path`; raises InputUnreadable when it is missing, no JSON, or holds no weights."""
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            raters = tuple(str(name) for name in document["raters"])
            weights = {name: tuple(float(row[rater]) for rater in raters) for name, row in document["weights"].items()}
            found = cls(raters, str(document["scheme"]), str(document["by"]), weights, document.get("fitted", {}))
        except OSError as error:
            raise InputUnreadable(f"The weights file '{path}' cannot be read ({error.strerror}).") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputUnreadable(
                f"'{path.name}' is no weights file: it needs scheme, by, raters and weights (label -> rater -> number)."
            ) from error
        if not all(math.isfinite(w) and w >= 0 for row in weights.values() for w in row):
            raise InputUnreadable(f"'{path.name}' has weights that are negative or not finite.")
        if len(set(raters)) != len(raters) or not raters or not weights:
            raise InputUnreadable(f"'{path.name}' names no rater or label, or one rater twice.")
        return found

    def of(self, names: Sequence[str]) -> dict[str, tuple[float, ...]]:
        """The weights of the raters `names`, in that order; raises InvalidImage, naming it, for one that has none."""
        for name in names:
            if name not in self.raters:
                raise InvalidImage(f"There is no weight for rater '{name}'; the weights are of {', '.join(self.raters)}.")
        return {key: tuple(row[self.raters.index(name)] for name in names) for key, row in self.weights.items()}


@dataclass(frozen=True, eq=False)
class _Evidence:
    """What the raters say of an exam's voxels (kinds, raters), 0 to 1, how many there are of a kind, how many truly yes."""

    said: NDArray[np.float64]
    counts: NDArray[np.float64]
    true: NDArray[np.float64]

    def dice(self, weight: NDArray[np.float64]) -> float:
        """Dice of the weighted vote with the reference; 1 where both are empty."""
        decided = reaches_half(self.said @ weight / weight.sum())
        total = self.counts[decided].sum() + self.true.sum()
        return float(2 * self.true[decided].sum() / total) if total else 1.0


def _mean_dice(exams: Sequence[_Evidence], weight: NDArray[np.float64]) -> float:
    return float(np.mean([exam.dice(weight) for exam in exams]))


def _search(exams: Sequence[_Evidence], raters: int) -> tuple[NDArray[np.float64], float, float]:
    """Weights with the greatest mean Dice: the best single change of one rater's weight, again and again, from three starts.

    The starts are equal weights, each rater's own Dice, and the best rater with the others as a makeweight. Returns the
    weights, their mean Dice, and that of equal weights.
    """
    alone = np.array([_mean_dice(exams, one) for one in np.eye(raters)])
    equal = np.ones(raters)
    leader = np.where(np.arange(raters) == alone.argmax(), 1.0, 0.25)
    level = _mean_dice(exams, equal)
    best, best_score = equal, level
    for start in (equal, alone / alone.max() if alone.max() > 0 else equal, leader):
        weight, score = start.copy(), _mean_dice(exams, start)
        while True:
            trials = [np.where(np.arange(raters) == r, w, weight) for r in range(raters) for w in GRID]
            trials = [trial for trial in trials if trial.sum() > 0]
            scores = [_mean_dice(exams, trial) for trial in trials]
            top = int(np.argmax(scores))
            if scores[top] <= score + GAIN:
                break
            weight, score = trials[top], scores[top]
        if score > best_score + GAIN:
            best, best_score = weight, score
    return best / best.max(), best_score, level


def _fitted(
    evidence: Mapping[str, Sequence[_Evidence]], raters: Sequence[str], scheme: Scheme, by: str, exams: int
) -> FusionWeights:
    weights: dict[str, tuple[float, ...]] = {}
    facts: dict[str, Any] = {"exams": exams, "objective": "mean Dice over exams", "dice": {}}
    for name, parts in evidence.items():
        found, score, level = _search(parts, len(raters))
        weights[name] = tuple(round(float(w), 6) for w in found)
        facts["dice"][name] = {"equal_weights": round(level, 6), "fitted_weights": round(score, 6)}
    return FusionWeights(tuple(raters), scheme.name, by, weights, facts)


def _check(raters: Sequence[str], given: int, number: int) -> None:
    if given != len(raters):
        raise InvalidImage(f"Exam {number} has {given} masks, but there are {len(raters)} raters; each exam needs one of each.")


def fit_weights(
    exams: Iterable[tuple[Sequence[NDArray[Any]], NDArray[Any]]], raters: Sequence[str], scheme: Scheme, *, by: str = "labels"
) -> FusionWeights:
    """Fit one weight a rater for each label (or region), so that the weighted vote has the greatest mean Dice over the exams.

    The weights must come from exams that no rater was trained on and that the fusion is not judged by (the source fits them
    on held-out exams, for every label separately: BraTS 2024 post-treatment glioma, ensembles by weighted average).

    Args:
        exams: One at a time: label maps in the order of `raters`, and the reference; arrays of one shape in `scheme`.
        raters: Names of the raters.
        scheme: Gives the numbers meaning.
        by: `labels` or `regions`.

    Raises:
        InvalidImage: no exams, or maps that do not fit together.
    """
    asked = questions(scheme, by)
    evidence: dict[str, list[_Evidence]] = {name: [] for name in asked}
    number = 0
    for number, (maps, reference) in enumerate(exams, 1):
        _check(raters, len(maps), number)
        votes = Votes.of([*maps, reference])
        for name, values in asked.items():
            ballot = votes.ballot(values)
            counts = ballot.counts.astype(float)
            evidence[name].append(_Evidence(ballot.yes[:, :-1].astype(float), counts, counts * ballot.yes[:, -1]))
    if not number:
        raise InvalidImage("There are no exams to fit weights on.")
    return _fitted(evidence, raters, scheme, by, number)


def fit_probability_weights(
    exams: Iterable[tuple[Sequence[Mapping[str, NDArray[np.floating]]], NDArray[Any]]], raters: Sequence[str], scheme: Scheme
) -> FusionWeights:
    """As `fit_weights`, for the weighted mean of region probabilities, thresholded at one half.

    Args:
        exams: One at a time: region -> probabilities for each rater, and the reference label map, all of one shape.
        raters: Names of the raters.
        scheme: Numbers the reference.

    Raises:
        InvalidImage: no exams, a region is missing, or arrays that do not fit together.
    """
    asked = questions(scheme, "regions")
    evidence: dict[str, list[_Evidence]] = {name: [] for name in asked}
    number = 0
    for number, (maps, reference) in enumerate(exams, 1):
        _check(raters, len(maps), number)
        for name, values in asked.items():
            if any(name not in one or np.shape(one[name]) != np.shape(reference) for one in maps):
                raise InvalidImage(f"Exam {number} lacks a map of {name} of the reference's shape; each rater must have one.")
            true = np.isin(reference, values)
            told = np.flatnonzero(np.any([np.asarray(one[name]) > 0 for one in maps], axis=0) | true)
            said = np.stack([np.asarray(one[name], np.float64).ravel()[told] for one in maps], axis=1)
            evidence[name].append(_Evidence(said, np.ones(len(told)), true.ravel()[told].astype(float)))
    if not number:
        raise InvalidImage("There are no exams to fit weights on.")
    return _fitted(evidence, raters, scheme, "regions", number)
