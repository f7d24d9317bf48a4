"""What the report beside a fused mask says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glioscope.core import Grid
from glioscope.fusion import Decision, FusionOptions, Method, Votes, questions
from glioscope.workflows.fusion_inputs import LabelRaters, Onto

__all__ = ["Result", "by_name", "report_head", "told_regions", "told_vote"]


@dataclass(frozen=True, eq=False)
class Result:
    """A fused label map beside the votes.

    Attributes:
        votes: The raters' vote patterns.
        table: The fused label of each pattern, (patterns,).
    """

    votes: Votes
    table: NDArray[np.uint8]

    @staticmethod
    def changed(votes: Votes, labels: NDArray[np.uint8]) -> Result:
        """For a label map that later steps changed, so that voxels with equal votes need not have equal labels."""
        said = [votes.paint(np.ascontiguousarray(column)) for column in votes.patterns.T]
        every = Votes.of([labels, *said])
        return Result(every.with_patterns(every.patterns[:, 1:]), every.patterns[:, 0])


def _grid_document(grid: Grid) -> dict[str, Any]:
    spacing = [round(float(size), 4) for size in grid.spacing]
    return {"shape": list(grid.shape), "spacing_mm": spacing, "orientation": grid.orientation}


def report_head(method: Method, options: FusionOptions, onto: Onto, grid: Grid) -> dict[str, Any]:
    """Method, its definition and parameters, the grid and what was decided while reading."""
    told: dict[str, Any] = {"method": method.name, "definition": method.definition}
    known: dict[str, dict[str, Any]] = {
        "majority": {"tie": options.tie},
        "weighted": {"tie": options.tie, "thresholds": dict(options.thresholds)},
        "simple": {"tie": options.tie, "threshold": options.threshold},
        "staple": {
            "tie": options.tie,
            "prior": options.prior or ("estimate" if options.by == "labels" else "mean of the raters"),
        },
        "at-least": {"k": options.k},
    }
    return told | {"parameters": known.get(method.name, {}), "grid": _grid_document(grid), "decided": list(onto.told)}


def told_vote(decision: Decision, names: Sequence[str]) -> dict[str, Any]:
    """How one label or region was decided."""
    told: dict[str, Any] = {
        "rounds": decision.rounds,
        "converged": decision.converged,
        "undecided_voxels": decision.undecided,
        "kept": [name for name, kept in zip(names, decision.kept, strict=True) if kept],
        "dropped": [name for name, kept in zip(names, decision.kept, strict=True) if not kept],
        "weights": by_name(names, decision.weights),
    }
    if decision.prior is not None:
        told["prior"] = decision.prior
    if decision.sensitivity is not None and decision.specificity is not None:
        told["estimated_sensitivity"] = by_name(names, decision.sensitivity)
        told["estimated_specificity"] = by_name(names, decision.specificity)
    return told


def by_name(names: Sequence[str], values: Any) -> dict[str, float]:  # noqa: ANN401
    """Rater -> number, rounded."""
    return {name: round(float(value), 6) for name, value in zip(names, values, strict=True)}


def told_regions(raters: LabelRaters, result: Result) -> dict[str, Any]:
    """Volumes of the result and of every rater in regions and labels, and the rater against the result."""
    told: dict[str, Any] = {}
    litre = raters.grid.voxel_volume / 1000
    every = {**raters.scheme.regions, **questions(raters.scheme, "labels")}
    for region, values in every.items():
        ballot, decided = result.votes.ballot(values), np.isin(result.table, list(values))
        sensitivity, specificity = ballot.rates(decided)
        rows = zip(raters.names, ballot.counts @ ballot.yes, ballot.dice(decided), sensitivity, specificity, strict=True)
        told[region] = {
            "volume_ml": round(float(ballot.counts[decided].sum()) * litre, 4),
            "raters": {
                name: {
                    "volume_ml": round(float(size) * litre, 4),
                    "dice": round(float(dice), 6),
                    "sensitivity": round(float(found), 6),
                    "specificity": round(float(left), 6),
                }
                for name, size, dice, found, left in rows
            },
        }
    return told
