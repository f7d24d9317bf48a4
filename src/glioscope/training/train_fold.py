"""Train one fold, from wherever it is to its end."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glioscope.core import InputUnreadable
from glioscope.core.counting import counted
from glioscope.core.files import atomic, ensure_folder, write_json
from glioscope.losses.registry import build_loss
from glioscope.networks.registry import build_network
from glioscope.training.alone import alone
from glioscope.training.checkpoint import load_checkpoint
from glioscope.training.curves import write_curves, write_log
from glioscope.training.failures import failure_of
from glioscope.training.final_validation import collect
from glioscope.training.fold_job import FoldFiles, FoldJob
from glioscope.training.fold_state import FoldState
from glioscope.training.interruption import interruptible
from glioscope.training.lightning_trainer import build_trainer
from glioscope.training.machine import process_rank
from glioscope.training.module import SegmentationModule
from glioscope.training.progress import TrainingProgress
from glioscope.training.recipe import arms
from glioscope.training.run_folder import RunFolder
from glioscope.training.scorer import THRESHOLDS, mean_dice
from glioscope.training.transfer import exam_id, exams_before, freeze, start_from

if TYPE_CHECKING:
    from torch import nn

    from glioscope.networks.volume_network import VolumeNetwork

__all__ = ["train_fold"]


def train_fold(job: FoldJob, progress: TrainingProgress) -> Mapping[str, Any]:
    """Train `job`, or go on with it, and score its best weights; with `choose`, every alternative, of which the best is kept.

    A fold that is finished is left as it is.

    Returns:
        What `validation.json` says: `score` (mean Dice by which it was selected), `exams`, `summary`, `thresholds`.

    Raises:
        ProcessingFailed: the loss is not finite any more, or there is not enough memory; the last good state is kept.
        OutputUnwritable: the disk is full, or another process trains this fold.
        InputUnreadable: a checkpoint is damaged, of another recipe, or beyond the recipe's last epoch.
    """
    ensure_folder(job.files.folder)
    with alone(job.files.folder, f"training {job.title}"):
        choices = arms(job.recipe)
        if len(choices) == 1:
            return _train(job, progress)
        done = []
        for number, recipe in enumerate(choices):
            files = FoldFiles(job.files.folder / f"arm-{number}")
            ensure_folder(files.folder)
            done.append(_train(job.with_recipe(recipe, files, f"{job.title}, alternative {number + 1}"), progress))
        scores = [float(document["score"]) for document in done]
        best = scores.index(max(scores))
        progress.decided(
            f"{job.title}: alternative {best + 1} is kept, with Dice {scores[best]:.4f} on the held-out exams against "
            + ", ".join(f"{score:.4f}" for number, score in enumerate(scores) if number != best)
            + "."
        )
        chosen = {**done[best], "arm": best, "scores_of_arms": scores}
        if process_rank() == 0:
            _keep(job.files, FoldFiles(job.files.folder / f"arm-{best}"), chosen)
        return chosen


def _keep(files: FoldFiles, arm: FoldFiles, document: Mapping[str, Any]) -> None:
    """What an arm leaves, as that of its fold."""
    ensure_folder(files.predictions)
    left = (arm.best, arm.log, arm.curves, *arm.folder.glob("overlay-*.png"), *arm.predictions.iterdir())
    for source in (file for file in left if file.is_file()):
        with atomic(files.folder / source.relative_to(arm.folder)) as scratch:
            shutil.copyfile(source, scratch)
    write_json(files.validation, document)


def _train(job: FoldJob, progress: TrainingProgress) -> Mapping[str, Any]:
    if job.files.validation.is_file():
        progress.decided(f"{job.title} was finished before.")
        if job.recipe.training.patience is None and 0 < (step := _state(job).step) < job.steps:
            progress.warned(
                f"{job.title} ended after {step} of now {job.steps} steps; for a longer training choose another --out."
            )
        return RunFolder(job.run).result(job.files)
    # The same weights whatever was trained before in this process.
    torch.manual_seed(job.seed)
    recipe = job.recipe
    network = build_network(recipe.network.name, len(recipe.inputs.channels), recipe.target.channels, job.plan.network)
    network.deep_supervision = recipe.training.deep_supervision
    frozen = _start(job, network, progress)
    module = SegmentationModule(job, network, build_loss(recipe.loss, recipe.target.activation), frozen)
    state = _state(job)
    if not state.finished and state.step >= job.steps:
        least = state.step // recipe.training.iterations + 1
        raise InputUnreadable(
            f"{job.title} has done {state.step} steps already, and training.epochs={recipe.training.epochs} asks for no more; "
            f"to end it soon, give training.epochs={least}."
        )
    try:
        progress.fold_started(job.title, state.step, job.steps)
        if not state.finished:
            _run(job, module, progress, "fit")
        _run(job, module, progress, "validate")
        return _finish(job)
    finally:
        progress.fold_done()


def _start(job: FoldJob, network: VolumeNetwork, progress: TrainingProgress) -> list[nn.Module]:
    """Start as the recipe's `transfer` says, and tell what a researcher has to know; what is frozen is returned."""
    rules = job.recipe.transfer
    if rules.from_ is None:
        return []
    start = start_from(network, Path(rules.from_), job.number, job.recipe.inputs.channels, job.recipe.target.names)
    told = f"; {len(start.anew)} weights begin anew, such as '{start.anew[0]}'" if start.anew else ""
    progress.decided(f"{job.title} starts from '{rules.from_}'{told}.")
    for sentence in start.other:
        progress.warned(sentence)
    before = exams_before(Path(rules.from_)) or set()
    if job.number >= 0 and (seen := [exam.name for exam in job.validation if exam_id(exam.name) in before]):
        progress.warned(
            f"{len(seen)} of {counted(len(job.validation), 'exam')} held out in {job.title} ('{seen[0]}') belong to those that "
            f"'{rules.from_}' was trained with; the scores are honest only if its {job.title} held out the same ones."
        )
    frozen, learnt = freeze(network, rules, {*start.anew, *start.widened})
    if learnt:
        some = f"'{learnt[0]}'" + (f" and {len(learnt) - 1} more" if len(learnt) > 1 else "")
        progress.warned(
            f"transfer.freeze={rules.freeze} leaves {counted(len(learnt), 'layer')} to be learnt ({some}), for which the "
            "bundle has no weights, or not for all channels."
        )
    return frozen


def _state(job: FoldJob) -> FoldState:
    """How far the fold is on disk."""
    return FoldState.of_document(load_checkpoint(job.files.last)["state"]) if job.files.last.is_file() else FoldState()


def _run(job: FoldJob, module: SegmentationModule, progress: TrainingProgress, what: str) -> None:
    """Fit or validate with Lightning, in as many processes as the machine has devices."""
    trainer = build_trainer(job, progress, fits=what == "fit")
    try:
        with interruptible(job.machine.world):
            if what == "fit":
                trainer.fit(module)
            else:
                trainer.validate(module, verbose=False)
    except SystemExit:  # Lightning's answer to an interruption, and ours
        raise KeyboardInterrupt from None
    except Exception as error:
        if trainer.received_sigterm:  # and so were the processes that prepare samples, which is what is told
            raise KeyboardInterrupt from None
        state = _state(job)
        kept = (
            f"the state of step {state.step} is kept, and the same command goes on from there"
            if state.step
            else ("nothing was saved yet")
        )
        failure = failure_of(error, f"step {max(state.step, module.state.step) + 1} of {job.title}", kept)
        if failure is None:
            raise
        raise failure from error
    if what == "fit" and not _state(job).finished:
        raise KeyboardInterrupt


def _finish(job: FoldJob) -> Mapping[str, Any]:
    """Bring the scores of all held-out exams together, and write them."""
    exams = collect(job)
    names = list(exams[0]["dice_by_threshold"])
    document = {
        "score": mean_dice([exam["dice"] for exam in exams])["dice"],
        "dice": {key: round(value, 6) for key, value in mean_dice([exam["dice"] for exam in exams]).items()},
        "seen_in_training": job.number < 0,
        "summary": job.scorer.summary(exams),
        "thresholds": {
            "tried": list(THRESHOLDS),
            "dice": {name: np.mean([exam["dice_by_threshold"][name] for exam in exams], axis=0).tolist() for name in names},
        },
        "exams": exams,
    }
    if process_rank() == 0:
        state = _state(job)
        write_log(job.files.log, state.history)
        write_curves(job.files.curves, state.history, job.title)
        write_json(job.files.validation, document)
    return document
