"""`glioscope train`: from a labelled cohort and a recipe to trained folds and a bundle."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from glioscope.core import EngineMissing, InputUnreadable, InvalidImage, get_scheme
from glioscope.core.files import check_folder, sweep
from glioscope.training.machine import Machine, process_rank
from glioscope.training.progress import TrainingProgress
from glioscope.training.recipe import arms, load_recipe
from glioscope.training.recipe_schema import Recipe
from glioscope.training.run_folder import RunFolder

__all__ = ["TrainingRun", "check_before_training", "refuse_ensemble", "train", "wanted_folds"]

FULL = "full"
"""Instead of a fold's number: train on all exams; what is scored then was seen in training."""


@dataclass(frozen=True)
class TrainingRun:
    """What `train` came to.

    Attributes:
        folder: The run's.
        recipe: Its name.
        folds: Name -> what the fold's `validation.json` says.
        bundle: Folder of the bundle made of all finished folds; None where this process did not write it.
    """

    folder: Path
    recipe: str
    folds: Mapping[str, Mapping[str, Any]]
    bundle: Path | None

    def document(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "run": str(self.folder),
            "recipe": self.recipe,
            "bundle": None if self.bundle is None else str(self.bundle),
            "folds": {
                name: {key: found[key] for key in ("score", "dice", "arm", "seen_in_training") if key in found}
                for name, found in self.folds.items()
            },
        }


def train(
    recipe: str | PathLike[str],
    data: str | PathLike[str],
    out: str | PathLike[str],
    *,
    fold: int | str = "all",
    overrides: Sequence[str] = (),
    labels: str = "auto",
    cache: str | PathLike[str] | None = None,
    machine: Machine | None = None,
    memory_gib: float | None = None,
    jobs: int | None = None,
    progress: TrainingProgress | None = None,
    bundled: bool = True,
) -> TrainingRun:
    """Train a recipe on a labelled cohort; a run that was ended at any moment goes on where it was, to the same weights.

    Args:
        recipe: A name from `recipes()`, or a YAML file.
        data: A folder of BraTS cases, a BIDS dataset or a CSV manifest, with a label map for each exam.
        out: Folder of the run. Several folds may be trained at the same time by processes of their own.
        fold: A number from 0, `all`, or `full` for one training on all exams with none held out.
        overrides: `key.sub=value`, over the recipe.
        labels: Scheme that the cohort's label maps are numbered in; `auto` tells brats-2021 from brats-2023 by the values where
            the recipe's is one of these, and takes the recipe's otherwise.
        cache: Where prepared exams are kept, to be shared between runs; `OUT/cache` where None.
        machine: Devices and processes.
        memory_gib: That a step may take; what the device has where None.
        jobs: Exams prepared at a time; all cores where None.
        progress: Listener.
        bundled: Whether `OUT/bundle` is made of the folds that are finished.

    Raises:
        InputUnreadable: no such recipe, a wrong key, or a cohort that cannot be read.
        InvalidImage: the recipe is an ensemble, which trains nothing itself.
        OutputUnwritable: the folder holds another run, or the disk is full; what is there stays.
        ProcessingFailed: the loss is not finite any more, or memory ran out; the last good state stays.
        EngineMissing: the packages of training are not installed.
    """
    machine = machine or Machine()
    progress = (progress or TrainingProgress()) if process_rank() == 0 else TrainingProgress()
    chosen = load_recipe(os.fspath(recipe), overrides)
    refuse_ensemble(chosen)
    wanted_folds(fold, chosen)
    if chosen.transfer.freeze != "none" and chosen.transfer.from_ is None:
        raise InputUnreadable(
            f"Recipe '{chosen.name}' keeps the {chosen.transfer.freeze} of a trained network as it is; name the bundle to "
            "start from: transfer.from=FOLDER."
        )
    _need_engine()
    run, kept = RunFolder(Path(out)), Path(out) / "cache" if cache is None else Path(cache)
    if process_rank() == 0:
        for folder in (run.path,) if cache is None else (run.path, kept):
            check_folder(folder)
    told = run.accept(chosen) if process_rank() == 0 else []
    check_before_training(chosen, Path(data), labels, machine)
    if process_rank() == 0:
        sweep(run.path)
        for sentence in told:
            progress.warned(sentence)
    found = _folds(run, chosen, Path(data), fold, labels, kept, machine, memory_gib, jobs, progress)
    made = None
    if bundled and process_rank() == 0:
        from glioscope.workflows.bundle_run import bundle

        made = bundle([run.path], run.bundle, told=progress.decided).folder
    return TrainingRun(run.path, chosen.name, found, made)


def check_before_training(recipe: Recipe, data: Path, labels: str, machine: Machine) -> None:
    """Raise now what would be raised when the exams have been read: no cohort there, no such device, a part that fails.

    Raises:
        InputUnreadable: there is nothing at `data`, or as `rehearse`.
        InvalidImage: the device or the scheme `labels` is not there, or as `rehearse` and `check_scoring`.
        EngineMissing: as `rehearse`.
    """
    from glioscope.training.rehearsal import rehearse
    from glioscope.workflows.validation_scorer import check_scoring

    if not data.exists():
        raise InputUnreadable(f"'{data}' does not exist; --data names a folder of labelled exams or a manifest.")
    if labels != "auto":
        get_scheme(labels)
    machine.precision(recipe.training.precision)
    rehearse(recipe)
    for chosen in arms(recipe):
        check_scoring(chosen)


def _folds(
    run: RunFolder,
    recipe: Recipe,
    data: Path,
    fold: int | str,
    labels: str,
    cache: Path,
    machine: Machine,
    memory_gib: float | None,
    jobs: int | None,
    progress: TrainingProgress,
) -> dict[str, Mapping[str, Any]]:
    from glioscope.training.fold_job import FoldJob
    from glioscope.training.train_fold import train_fold
    from glioscope.workflows.training_data import memory_of, prepare_data
    from glioscope.workflows.validation_scorer import ValidationScorer

    scorer = ValidationScorer.of(recipe)
    wanted = wanted_folds(fold, recipe)
    memory = memory_gib if memory_gib is not None else memory_of(machine)
    prepared = prepare_data(run, recipe, data, labels, cache, memory, jobs or os.cpu_count() or 1, progress)
    facts = {"device": machine.kind, "processes": machine.world, "precision": machine.precision(recipe.training.precision)}
    if process_rank() == 0:
        run.note_sitting(facts)
    progress.decided("Training on {processes} x {device}, {precision}.".format(**facts))
    found: dict[str, Mapping[str, Any]] = {}
    for name in wanted:
        number = -1 if name == FULL else int(name)
        part = None if number < 0 else prepared.folds[number]
        learnt = prepared.exams if part is None else prepared.named(part.train)
        held_out = [exam for exam in prepared.exams if not exam.train_only] if part is None else prepared.named(part.validation)
        job = FoldJob(
            number=number,
            title="all exams" if part is None else f"fold {name}",
            run=run.path,
            files=run.fold(name),
            recipe=recipe,
            plan=prepared.plan,
            train=learnt,
            validation=held_out,
            machine=machine,
            scorer=scorer,
        )
        found[name] = train_fold(job, progress)
    return found


def wanted_folds(fold: int | str, recipe: Recipe) -> list[str]:
    """Names of the folds that `fold` asks for; raises InputUnreadable where the recipe has no such fold."""
    if str(fold) == "all":
        return [str(number) for number in range(recipe.folds.count)]
    if str(fold) == FULL:
        return [FULL]
    if not str(fold).isdigit() or int(fold) >= recipe.folds.count:
        raise InputUnreadable(
            f"There is no fold '{fold}'; the recipe has {recipe.folds.count}, counted from 0. Or: all of them, or full for one "
            "training on all exams."
        )
    return [str(int(fold))]


def refuse_ensemble(recipe: Recipe) -> None:
    """Raise InvalidImage, saying which members to train, for a recipe that trains nothing itself."""
    if recipe.ensemble is not None:
        members = ", ".join(recipe.ensemble.members)
        runs = " ".join(f"RUN-{name}" for name in recipe.ensemble.members)
        raise InvalidImage(
            f"Recipe '{recipe.name}' is an ensemble and trains nothing itself. Train its members ({members}), each in a folder "
            f"of its own, then: glioscope bundle {runs} --ensemble {recipe.ensemble.method} -o FOLDER"
        )


def _need_engine() -> None:
    try:
        import lightning.pytorch  # noqa: F401
    except ImportError as error:
        raise EngineMissing(
            f"Training needs packages that are not installed ({error.name}): pip install 'glioscope[train]'."
        ) from None
