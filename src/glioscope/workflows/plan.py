"""`glioscope plan`: what a recipe becomes for a cohort and a memory budget, and why."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from glioscope.training.machine import Machine
from glioscope.training.plan import Plan
from glioscope.training.recipe import load_recipe
from glioscope.training.rehearsal import build
from glioscope.workflows.labelled_cohort import labelled_cohort
from glioscope.workflows.train import check_before_training, refuse_ensemble
from glioscope.workflows.training_data import check_images, memory_of, planned

__all__ = ["Planning", "plan"]


@dataclass(frozen=True)
class Planning:
    """What `plan` found.

    Attributes:
        recipe: Its name.
        exams: How many there are.
        plan: Patch, batch, spacing and network, with the reasons.
        cohort: Median spacing and box, and how many exams have which image and region.
    """

    recipe: str
    exams: int
    plan: Plan
    cohort: dict[str, Any]

    def document(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"recipe": self.recipe, "exams": self.exams, "plan": self.plan.document(), "cohort": self.cohort}


def plan(
    recipe: str | PathLike[str],
    data: str | PathLike[str],
    *,
    memory_gib: float | None = None,
    overrides: Sequence[str] = (),
    labels: str = "auto",
    jobs: int | None = None,
    told: Callable[[str], None] = lambda sentence: None,
) -> Planning:
    """Plan patch, batch, depth and spacing; nothing is written.

    Args:
        recipe: A name from `recipes()`, or a YAML file.
        data: A labelled cohort.
        memory_gib: That a step may take; what the device has where None.
        overrides: `key.sub=value`, over the recipe.
        labels: Scheme of the cohort's label maps; see `train`.
        jobs: Exams read at a time; all cores where None.
        told: Hears what is done.

    Raises:
        InputUnreadable: no such recipe, a wrong key, or a cohort that cannot be read.
    """
    chosen = load_recipe(os.fspath(recipe), overrides)
    refuse_ensemble(chosen)
    check_before_training(chosen, Path(data), labels, Machine())
    memory = memory_gib if memory_gib is not None else memory_of(Machine())
    with tempfile.TemporaryDirectory(prefix="glioscope-") as unpacked:
        exams = labelled_cohort(Path(data), Path(unpacked), scheme=labels, told=told)
        check_images(exams, chosen, told)
        fingerprint, made = planned(exams, chosen, memory, jobs or os.cpu_count() or 1, told)
    build(chosen, dict(made.network))
    cohort = {
        "spacing": list(fingerprint.spacing),
        "box": list(fingerprint.box(made.spacing)),
        "present": fingerprint.present,
        "regions": fingerprint.regions,
    }
    return Planning(chosen.name, len(exams), made, cohort)
