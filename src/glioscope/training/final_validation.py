"""The last word on a fold: its best weights on every held-out exam, by the full protocol, with what thresholds would do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glioscope.core import get_scheme
from glioscope.core.files import write_json
from glioscope.training.fold_job import FoldJob
from glioscope.training.overlays import write_overlay
from glioscope.training.stored_prediction import write_prediction
from glioscope.training.validation import predict_exam

if TYPE_CHECKING:
    from glioscope.training.module import SegmentationModule

__all__ = ["collect", "score_finally"]

_OVERLAYS = 3


def score_finally(module: SegmentationModule, number: int) -> None:
    """Score one held-out exam and write what was found below `predictions`; one that is there already is left."""
    job = module.job
    exam = job.validation[number]
    scores, kept = _files(job, exam.name)
    if not scores.is_file():
        found = predict_exam(job, module.answer, exam, module.network.divisor, mirror=True)  # type: ignore[arg-type]
        reference, spacing = np.asarray(exam.target), [float(mm) for mm in exam.grid.spacing]
        write_prediction(kept, found, reference, exam.grid, job.recipe.target)
        document = {
            **job.scorer.full(found, reference, spacing, exam.name),
            "dice": dict(job.scorer.dice(found, reference)),
            "dice_by_threshold": dict(job.scorer.dice_by_threshold(found, reference)),
        }
        if number < _OVERLAYS:
            labels = job.scorer.labels(found, spacing)
            first = np.asarray(exam.image[0], np.float32)
            scheme = get_scheme(job.recipe.target.scheme)
            write_overlay(
                job.files.folder / f"overlay-{exam.name}.png", first, reference, labels, scheme, f"{exam.name}, {job.title}"
            )
        write_json(scores, document)


def collect(job: FoldJob) -> list[dict[str, Any]]:
    """The documents of all held-out exams, in their order."""
    return [json.loads(_files(job, exam.name)[0].read_text("utf-8")) for exam in job.validation]


def _files(job: FoldJob, name: str) -> tuple[Path, Path]:
    return job.files.predictions / f"{name}.json", job.files.predictions / f"{name}.npz"
