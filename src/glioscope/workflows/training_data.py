"""From a labelled cohort to what training starts from: fingerprint, plan, cache and folds, made once and kept in the run."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glioscope.bundles.channels import parse_inputs
from glioscope.core import MissingSequence, OutputUnwritable
from glioscope.core.computer import memory_gib
from glioscope.core.counting import counted
from glioscope.core.files import write_json
from glioscope.training.cache import REBUILT, CachedExam, prepare_cache
from glioscope.training.cohort_data import LabelledExam
from glioscope.training.fingerprint import Fingerprint, take_fingerprint
from glioscope.training.folds import Fold, split
from glioscope.training.machine import Machine, process_rank
from glioscope.training.plan import Plan, make_plan
from glioscope.training.progress import TrainingProgress
from glioscope.training.recipe_schema import Recipe
from glioscope.training.rehearsal import build
from glioscope.training.run_folder import RunFolder
from glioscope.workflows.labelled_cohort import labelled_cohort

__all__ = ["TrainingData", "check_images", "memory_of", "planned", "prepare_data"]

_GIB = 2**30


@dataclass(frozen=True)
class TrainingData:
    """What training starts from.

    Attributes:
        plan: Patch, batch, spacing and network.
        exams: All exams, prepared.
        folds: Which of them each fold learns from and which it holds out.
    """

    plan: Plan
    exams: tuple[CachedExam, ...]
    folds: tuple[Fold, ...]

    def named(self, names: Sequence[str]) -> list[CachedExam]:
        """The exams of these names, in their order."""
        known = {exam.name: exam for exam in self.exams}
        return [known[name] for name in names]


def memory_of(machine: Machine) -> float:
    """GiB that a step may take: nine tenths of the GPU's memory, or half of the computer's."""
    import torch

    if machine.kind == "cuda":
        return 0.9 * torch.cuda.get_device_properties(0).total_memory / _GIB
    return 0.5 * memory_gib()


def planned(
    exams: Sequence[LabelledExam], recipe: Recipe, memory_gib: float, jobs: int, told: Callable[[str], None]
) -> tuple[Fingerprint, Plan]:
    """Read every exam once, and plan for what was found."""
    told(f"Reading {counted(len(exams), 'exam')} once, to plan patch and network.")
    fingerprint = take_fingerprint(exams, recipe, jobs=jobs)
    return fingerprint, make_plan(fingerprint, recipe, memory_gib)


def prepare_data(
    run: RunFolder,
    recipe: Recipe,
    cohort: Path,
    labels: str,
    cache: Path,
    memory_gib: float,
    jobs: int,
    progress: TrainingProgress,
) -> TrainingData:
    """Plan, cache and folds of a run, made by the first of several processes while the others wait for it.

    Raises:
        OutputUnwritable: the run was begun with other exams.
        GlioscopeError: as cohort, plan, cache and folds raise it.
    """
    with tempfile.TemporaryDirectory(prefix="glioscope-") as unpacked:
        found = labelled_cohort(cohort, Path(unpacked), scheme=labels, told=progress.warned)
        check_images(found, recipe, progress.warned)
        key = _key(recipe, found)
        if process_rank() != 0:
            _wait_for(run.data_file, key)
        return _prepared(run, recipe, found, cache, memory_gib, jobs, progress, key)


def check_images(found: Sequence[LabelledExam], recipe: Recipe, told: Callable[[str], None]) -> None:
    """Tell how many exams lack which of the recipe's images; raise MissingSequence for one that none has.

    A network would learn to live with a channel that is always zero, and nobody would be told why it is poor.
    """
    inputs = parse_inputs(recipe.inputs)
    for source in sorted(inputs.needed):
        lacking = sum(source not in exam.images for exam in found)
        if lacking == len(found):
            raise MissingSequence(
                f"No exam of the cohort has {source}, of which recipe '{recipe.name}' makes a channel; take it out of "
                "inputs.channels, or list it in inputs.optional to have a channel of zeros."
            )
        if lacking:
            told(f"{lacking} of {len(found)} exams {'lacks' if lacking == 1 else 'lack'} {source}; its channel is zero there.")


def _prepared(
    run: RunFolder,
    recipe: Recipe,
    found: Sequence[LabelledExam],
    cache: Path,
    memory_gib: float,
    jobs: int,
    progress: TrainingProgress,
    key: str,
) -> TrainingData:
    labels = found[0].scheme
    begun = any(run.path.glob("fold-*/**/last.ckpt"))
    names = [exam.name for exam in found]
    if begun and (known := [exam["name"] for exam in run.exams()]) != names:
        other = sorted(set(known) ^ set(names))
        raise OutputUnwritable(
            f"'{run.path}' was begun with other exams ({len(known)} there, {len(names)} now; '{other[0]}' is in one only); "
            "choose another --out."
        )
    if begun and (before := run.read(run.data_file).get("labels", labels)) != labels:
        raise OutputUnwritable(
            f"'{run.path}' was begun with label maps read as '{before}', not '{labels}'; choose another --out."
        )
    folds = split(found, recipe)  # what is wrong with a recipe is told before minutes of work
    if begun or process_rank() != 0:
        plan = run.plan()
    else:
        fingerprint, plan = planned(found, recipe, memory_gib, jobs, progress.decided)
        for reason in plan.reasons:
            progress.decided(reason)
    if process_rank() == 0:
        build(recipe, dict(plan.network))
        run.note_recipe(recipe)
    if begun:
        _check_folds(run, folds)
    exams = _cached(found, recipe, plan, cache, jobs, progress)
    if begun:
        _check_content(run, exams)
    if process_rank() == 0:
        if not begun:
            write_json(run.plan_file, {"plan": plan.document(), "fingerprint": fingerprint.document()})
        write_json(run.folds_file, {"folds": [fold.document() for fold in folds]})
        facts = [
            {
                "name": exam.name,
                "patient": exam.patient,
                "site": exam.site,
                "train_only": exam.train_only,
                "content": exam.folder.name,
            }
            for exam in exams
        ]
        sources = sorted({source for exam in exams for source in exam.sources})
        present = {source: sum(source in exam.sources for exam in exams) for source in sources}
        write_json(run.data_file, {"key": key, "labels": labels, "cache": str(cache), "present": present, "exams": facts})
    return TrainingData(plan, tuple(exams), tuple(folds))


def _check_folds(run: RunFolder, folds: Sequence[Fold]) -> None:
    """Raise OutputUnwritable where exams would change sides: patients, sites or `train_only` are others than at the start."""
    before = run.read(run.folds_file, "folds")["folds"]
    for fold, known in zip(folds, before, strict=True):
        if moved := set(fold.train) ^ set(known["train"]):
            name = min(moved)
            raise OutputUnwritable(
                f"'{run.path}' was begun with other folds (fold {fold.number} "
                + (f"would now learn from '{name}')" if name in fold.train else f"would no longer learn from '{name}')")
                + "; give the exams the patients, sites and train_only that they had, or choose another --out."
            )


def _check_content(run: RunFolder, exams: Sequence[CachedExam]) -> None:
    """Raise OutputUnwritable where the files of an exam are others than those that the run was begun with."""
    before = {exam["name"]: exam.get("content") for exam in run.exams()}
    for exam in exams:
        if before.get(exam.name) not in (None, exam.folder.name):
            raise OutputUnwritable(
                f"The files of exam '{exam.name}' are others than those that '{run.path}' was begun with; put them back, or "
                "choose another --out."
            )


def _cached(
    found: Sequence[LabelledExam], recipe: Recipe, plan: Plan, cache: Path, jobs: int, progress: TrainingProgress
) -> list[CachedExam]:
    done: list[str] = []

    def told(sentence: str) -> None:
        done.append(sentence)
        if REBUILT in sentence:
            progress.warned(f"{sentence}.")
        progress.exam_prepared(len(done), len(found), sentence)

    return prepare_cache(found, recipe, plan, cache, jobs=jobs, told=told)


def _key(recipe: Recipe, found: Sequence[LabelledExam]) -> str:
    document: dict[str, Any] = {"recipe": recipe.document(), "exams": [exam.name for exam in found]}
    return hashlib.sha256(json.dumps(document, sort_keys=True, default=str).encode()).hexdigest()


def _wait_for(file: Path, key: str) -> None:
    """Until the first process has prepared everything; a launcher ends this one should that one fail."""
    while True:
        try:
            if json.loads(file.read_text("utf-8"))["key"] == key:
                return
        except (OSError, ValueError, KeyError):
            pass
        time.sleep(1)
