"""A tiny prepared cohort, and folds to train on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from glioscope.training.cache import CachedExam, prepare_cache
from glioscope.training.cohort_data import LabelledExam
from glioscope.training.fingerprint import take_fingerprint
from glioscope.training.fold_job import FoldFiles, FoldJob
from glioscope.training.machine import Machine
from glioscope.training.plan import make_plan
from glioscope.training.recipe import load_recipe
from glioscope.workflows.validation_scorer import ValidationScorer
from tests.training.tiny_cohort import SEQUENCES, TINY_UNET, write_tiny_cohort

MakeJob = Callable[..., FoldJob]


@pytest.fixture(scope="session")
def tiny_exams(tmp_path_factory: pytest.TempPathFactory) -> list[LabelledExam]:
    folder = write_tiny_cohort(tmp_path_factory.mktemp("tiny") / "cohort")
    return [
        LabelledExam(
            place.name,
            place.name.rpartition("-")[0],
            {name: place / f"{place.name}-{name}.nii.gz" for name in SEQUENCES},
            place / f"{place.name}-seg.nii.gz",
        )
        for place in sorted(folder.iterdir())
    ]


@pytest.fixture(scope="session")
def make_job(tiny_exams: list[LabelledExam], tmp_path_factory: pytest.TempPathFactory) -> MakeJob:
    """A fold that learns from two exams and holds out the third: `make_job(run, *overrides, machine=…)`."""
    import torch

    torch.set_num_threads(1)
    cache = tmp_path_factory.mktemp("cache")

    def make(run: Path, *overrides: str, recipe: str = "nnunet", machine: Machine | None = None) -> FoldJob:
        chosen = load_recipe(recipe, [*TINY_UNET, *overrides])
        plan = make_plan(take_fingerprint(tiny_exams, chosen), chosen, 4.0)
        exams: list[CachedExam] = prepare_cache(tiny_exams, chosen, plan, cache)
        return FoldJob(
            number=0,
            title="fold 0",
            run=run,
            files=FoldFiles(run / "fold-0"),
            recipe=chosen,
            plan=plan,
            train=exams[:2],
            validation=exams[2:],
            machine=machine or Machine(device="cpu", checkpoint_every=2),
            scorer=ValidationScorer.of(chosen),
        )

    return make
