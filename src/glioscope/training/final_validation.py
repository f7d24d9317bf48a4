"""The last word on a fold: its best weights on every held-out exam, by the full protocol, with what thresholds would do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glioscope.core import InputUnreadable, get_scheme
from glioscope.core.files import write_json
from glioscope.training.fold_job import FoldJob
from glioscope.training.overlays import write_overlay
from glioscope.training.stored_prediction import write_prediction
from glioscope.training.validation import predict_exam

if TYPE_CHECKING:
    from glioscope.training.module import SegmentationModule

__all__ = ["collect", "forget", "score_finally", "score_last"]

_OVERLAYS = 3
MADE_OF = "made_of"
"""Which weights and rules a score is of: a run may go on with others after some exams are scored."""


def score_finally(module: SegmentationModule, number: int) -> None:
    """Score one held-out exam and write what was found below `predictions`; one that is there already is left, if it is of the
    same weights and rules.
    """
    job, recipe = module.job, module.job.recipe.document()
    exam = job.validation[number]
    scores, kept = _files(job, exam.name)
    made_of = {"step": module.judged_step, "inference": recipe["inference"], "postprocess": recipe["postprocess"]}
    if (_read(scores) or {}).get(MADE_OF) != made_of:
        found = predict_exam(job, module.answer, exam, module.network.divisor, mirror=True)  # type: ignore[arg-type]
        reference, spacing = np.asarray(exam.target), [float(mm) for mm in exam.grid.spacing]
        write_prediction(kept, found, reference, exam.grid, job.recipe.target)
        document = {
            **job.scorer.full(found, reference, spacing, exam.name),
            "dice": dict(job.scorer.dice(found, reference)),
            "dice_by_threshold": dict(job.scorer.dice_by_threshold(found, reference)),
            MADE_OF: made_of,
        }
        if number < _OVERLAYS:
            labels = job.scorer.labels(found, spacing)
            first = np.asarray(exam.image[0], np.float32)
            scheme = get_scheme(job.recipe.target.scheme)
            write_overlay(
                job.files.folder / f"overlay-{exam.name}.png", first, reference, labels, scheme, f"{exam.name}, {job.title}"
            )
        write_json(scores, document)


def score_last(module: SegmentationModule) -> list[Mapping[str, float]]:
    """Dice by region of every held-out exam at the last step of a recipe without flips, whose final score is the same.

    What is written for it stays, if these weights are the best, as what `score_finally` would write; see `forget`.
    """
    job, trainer = module.job, module.trainer
    module.judged_step = module.state.step
    forget(module)
    for number in range(trainer.global_rank, len(job.validation), trainer.world_size):
        score_finally(module, number)
    trainer.strategy.barrier("last validation")
    return [exam["dice"] for exam in collect(job)]


def forget(module: SegmentationModule) -> None:
    """Remove the final scores of weights that are not the best."""
    if module.trainer.is_global_zero:
        shutil.rmtree(module.job.files.predictions, ignore_errors=True)
    module.trainer.strategy.barrier("forgotten")


def collect(job: FoldJob) -> list[dict[str, Any]]:
    """The documents of all held-out exams, in their order."""
    return [_document(_files(job, exam.name)[0]) for exam in job.validation]


def _document(file: Path) -> dict[str, Any]:
    found = _read(file) or {}
    if not {"dice", "dice_by_threshold"} <= found.keys():
        raise InputUnreadable(f"'{file}' is missing or damaged; remove it and run again to have it anew.")
    return {key: value for key, value in found.items() if key != MADE_OF}


def _read(file: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _files(job: FoldJob, name: str) -> tuple[Path, Path]:
    return job.files.predictions / f"{name}.json", job.files.predictions / f"{name}.npz"
