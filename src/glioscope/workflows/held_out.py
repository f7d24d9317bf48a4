"""What trained runs said of the exams that they held out: thresholds, steps and weights are fitted on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Grid, InputUnreadable, InvalidImage, get_scheme, region_mask
from glioscope.evaluation.metrics import Overlap
from glioscope.fusion import fit_weights
from glioscope.postprocessing import Chain, Thresholds, TuningCase, tune_chain
from glioscope.training.run_folder import RunFolder
from glioscope.training.scorer import THRESHOLDS
from glioscope.training.stored_prediction import read_prediction
from glioscope.workflows.validation_scorer import region_probabilities

__all__ = ["HeldOut", "RegionDice", "best_thresholds", "fit_steps", "fitted_weights", "held_out_of", "weighted"]

MOST = 200
"""Exams that are held in memory at a time; of more an even choice is taken."""
Regions = Mapping[str, NDArray[np.floating[Any]]]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """One held-out exam.

    Attributes:
        name: Its name in the cohort.
        said: For each run, region -> probabilities; all arrays of one shape.
        reference: Label map in the scheme of the runs.
        spacing: mm.
    """

    name: str
    said: tuple[Regions, ...]
    reference: NDArray[np.uint8]
    spacing: tuple[float, ...]


def held_out_of(runs: Sequence[RunFolder]) -> list[HeldOut]:
    """The exams that every run held out; at most MOST.

    Raises:
        InputUnreadable: the prediction of an exam that was scored is missing or damaged.
        InvalidImage: there is none, or the runs work on grids or in schemes that do not fit together.
    """
    files = [_predictions(run) for run in runs]
    common = sorted(set.intersection(*(set(found) for found in files)))
    schemes = {run.recipe().target.scheme for run in runs}
    if not common or len(schemes) > 1:
        why = "are in different label schemes" if common else "held out no exam in common"
        raise InvalidImage(
            f"The runs {', '.join(str(run.path) for run in runs)} {why}; nothing can be fitted on them together."
        )
    chosen = [common[n] for n in np.unique(np.linspace(0, len(common) - 1, min(MOST, len(common))).round().astype(int))]
    targets = [run.recipe().target for run in runs]
    out = []
    for name in chosen:
        parts = [read_prediction(found[name]) for found in files]
        places = _places(name, [part.grid for part in parts])
        upper = np.max([[s.stop for s in place] for place in places], axis=0)
        regions = [
            {region: _put(values, place, upper) for region, values in region_probabilities(part.probabilities, target).items()}
            for part, target, place in zip(parts, targets, places, strict=True)
        ]
        reference = np.max([_put(part.reference, place, upper) for part, place in zip(parts, places, strict=True)], axis=0)
        out.append(HeldOut(name, tuple(regions), reference, tuple(parts[0].grid.spacing.tolist())))
    return out


def _predictions(run: RunFolder) -> dict[str, Path]:
    found = {}
    for scores in (f for fold, files in run.finished() if fold.isdigit() for f in sorted(files.predictions.glob("*.json"))):
        found[scores.stem] = scores.with_suffix(".npz")
        if not found[scores.stem].is_file():
            raise InputUnreadable(
                f"'{found[scores.stem]}' is missing; remove '{scores.name}' beside it and validation.json of the fold, and run "
                "`glioscope train` again to have it anew."
            )
    return found


def _places(name: str, grids: Sequence[Grid]) -> list[tuple[slice, ...]]:
    """Where each grid lies in the smallest lattice around them all."""
    origins = [grids[0].to_index(grid.affine[:3, 3]) for grid in grids]
    lower = np.min(origins, axis=0)
    for grid, origin in zip(grids, origins, strict=True):
        turned = not np.allclose(grid.affine[:3, :3], grids[0].affine[:3, :3], atol=1e-4)
        if turned or np.abs(origin - lower - np.round(origin - lower)).max() > 0.01:
            raise InvalidImage(
                f"The runs work on different grids, such as for exam '{name}'; nothing can be fitted on them together."
            )
    starts = [np.round(origin - lower).astype(int) for origin in origins]
    return [
        tuple(slice(int(s), int(s) + n) for s, n in zip(start, grid.shape, strict=True))
        for start, grid in zip(starts, grids, strict=True)
    ]


def _put(values: NDArray[Any], place: tuple[slice, ...], upper: NDArray[np.integer[Any]]) -> NDArray[Any]:
    whole = np.zeros(tuple(upper.tolist()), values.dtype)
    whole[place] = values
    return whole


def fitted_weights(exams: Sequence[HeldOut], scheme: str) -> dict[str, tuple[float, ...]]:
    """Region -> a weight for each run, with which their mean has the best Dice; of regions that every run knows."""
    regions = [region for region in exams[0].said[0] if all(region in said for said in exams[0].said)]
    return {
        region: fit_weights(
            (
                [said[region] for said in exam.said],
                region_mask(exam.reference, get_scheme(scheme), region),
            )
            for exam in exams
        )
        for region in regions
    }


def weighted(exam: HeldOut, weights: Mapping[str, Sequence[float]]) -> dict[str, NDArray[np.floating[Any]]]:
    """Region -> the weighted mean of what the runs said."""
    return {
        region: np.average([said[region] for said in exam.said], axis=0, weights=of_region)
        for region, of_region in weights.items()
    }


def best_thresholds(dice: Sequence[Mapping[str, Sequence[float]]]) -> dict[str, float]:
    """Region -> the threshold with the best mean Dice over exams; of equal ones that nearest to 0.5.

    Args:
        dice: For each exam, region -> Dice at each of THRESHOLDS.
    """
    out = {}
    for region in dice[0]:
        means = np.mean([exam[region] for exam in dice], axis=0).round(6)
        best = [t for t, mean in zip(THRESHOLDS, means, strict=True) if mean == means.max()]
        out[region] = min(best, key=lambda t: (abs(t - 0.5), t))
    return out


@dataclass(frozen=True)
class RegionDice:
    """Mean Dice of regions, as `tune_chain` wants its score.

    Attributes:
        scheme: Label scheme.
        regions: Which.
    """

    scheme: str
    regions: tuple[str, ...]

    def __call__(self, labels: NDArray[np.integer[Any]], case: TuningCase) -> float:
        """The score of one label map."""
        scores = []
        for region in self.regions:
            found, truth = (region_mask(array, get_scheme(self.scheme), region) for array in (labels, case.reference))
            scores.append(Overlap(int((found & truth).sum()), int(found.sum()), int(truth.sum())).dice)
        return float(np.mean(scores))


def fit_steps(
    exams: Sequence[HeldOut], scheme: str, tunable: Sequence[str], seed: int, told: Callable[[str], None]
) -> tuple[Chain, Thresholds | None]:
    """Thresholds and steps fitted by `tune_chain` on what one run said."""
    cases = [TuningCase(exam.name, {"run": exam.said[0]}, exam.reference, exam.spacing) for exam in exams]
    score = RegionDice(scheme, tuple(exams[0].said[0]))
    tuned = tune_chain(cases, score, get_scheme(scheme), tunable=tunable, seed=seed, told=told)
    published, held_out = tuned.held_out
    told(f"Post-processing fitted on {len(cases)} held-out exams: Dice {held_out:.4f}, {published:.4f} as published.")
    return tuned.chain, tuned.chain.thresholds
